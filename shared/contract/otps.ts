import { createHmac, hkdfSync } from 'node:crypto';
import * as v from 'valibot';

/** What a one-time password is good for. */
export const OTP_PURPOSES = ['register', 'login', 'update'] as const;
export type OtpPurpose = (typeof OTP_PURPOSES)[number];

/** A one-time password. */
export const Otp = v.pipe(v.string(), v.regex(/^\d{6}$/));

/** Wrong codes that may be tried; with the last of them the right one is dead, too. */
export const OTP_TRIES = 5;

export interface OtpSubject {
  purpose: OtpPurpose;
  email: string;
  /** Who changes his e-mail; for `update` alone. */
  userId?: string | undefined;
}

/**
 * Where Redis keeps a one-time password and how: the fields `hash` and `tries` (left), until it expires.
 * @param secret `API_SECRET`; without it a code cannot be found by trying all of them on a stolen hash
 */
export function otpNames(prefix: string, secret: string) {
  const derived = Buffer.from(hkdfSync('sha256', secret, '', 'rooms otp', 32));
  const digest = (...parts: string[]) => createHmac('sha256', derived).update(parts.join('\n')).digest('base64url');
  const key = ({ purpose, email, userId = '' }: OtpSubject) =>
    `${prefix}:otp:${purpose}:${digest(email.toLowerCase(), userId)}`;
  return {
    /** The key of a subject's code; the address itself does not stand in it. */
    key,
    /** The keyed hash of a code, good for this subject alone. */
    hash: (subject: OtpSubject, code: string) => digest(key(subject), code),
  };
}
