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
  /** The user who changes their e-mail. Only for `update`. */
  userId?: string | undefined;
}

/**
 * The key and the hash of a one-time password in Redis. The key has the fields `hash` and `tries` (the number of tries
 * that are left). It expires together with the one-time password.
 * @param secret `API_SECRET`. A person with a stolen hash needs it to find the one-time password by trying all numbers.
 */
export function otpNames(prefix: string, secret: string) {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', 'rooms otp', 32));
  const digest = (...parts: string[]) => createHmac('sha256', derived).update(parts.join('\n')).digest('base64url');
  const key = ({ purpose, email, userId = '' }: OtpSubject) =>
    `${prefix}:otp:${purpose}:${digest(email.toLowerCase(), userId)}`;
  return {
    /** The Redis key of a one-time password. It does not contain the e-mail. */
    key,
    /** The keyed hash of a one-time password. It is valid only for this subject. */
    hash: (subject: OtpSubject, otp: string) => digest(key(subject), otp),
  };
}
