import { createHmac, hkdfSync } from 'node:crypto';
import * as v from 'valibot';

/** What a one-time password is for. */
export const OtpPurpose = v.picklist(['register', 'login', 'update']);
export type OtpPurpose = v.InferOutput<typeof OtpPurpose>;

/** A one-time password. */
export const Otp = v.pipe(v.string(), v.regex(/^\d{6}$/));

export interface OtpSubject {
  purpose: OtpPurpose;
  email: string;
  /** The user who changes their e-mail. For `update` only. */
  userId?: string | undefined;
}

/**
 * The key and the hash of a one-time password in Redis. The key holds the fields `hash` and `tries` (tries left) until
 * the code expires.
 * @param secret `API_SECRET`. Without it nobody can find the code of a stolen hash by trying all codes.
 */
export function otpNames(prefix: string, secret: string) {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', 'rooms otp', 32));
  const digest = (...parts: string[]) => createHmac('sha256', derived).update(parts.join('\n')).digest('base64url');
  const key = ({ purpose, email, userId = '' }: OtpSubject) =>
    `${prefix}:otp:${purpose}:${digest(email.toLowerCase(), userId)}`;
  return {
    /** The key of a code. It does not contain the e-mail. */
    key,
    /** The keyed hash of a code. It fits this subject only. */
    hash: (subject: OtpSubject, code: string) => digest(key(subject), code),
  };
}
