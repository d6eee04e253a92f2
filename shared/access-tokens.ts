import { createSecretKey, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { newId } from './contract/ids.ts';

/** The claims and the algorithm that every access token must have. */
export const TOKEN_RULES = { algorithm: 'HS256', issuer: 'rooms', audience: 'rooms' } as const;

/** Imports the key once. If jose gets the secret itself, it imports a key for every token. @param secret `API_SECRET` */
export function importTokenKey(secret: string): KeyObject {
  return createSecretKey(secret, 'utf8');
}

/**
 * Signs an access token (a JWT, RFC 7519).
 * @param version the `token_version` of the user
 * @param hours the time until the token expires
 */
export function signToken(
  key: KeyObject,
  { userId, version, hours }: { userId: string; version: number; hours: number },
): Promise<string> {
  return new SignJWT({ ver: version })
    .setProtectedHeader({ alg: TOKEN_RULES.algorithm })
    .setSubject(userId)
    .setJti(newId())
    .setIssuer(TOKEN_RULES.issuer)
    .setAudience(TOKEN_RULES.audience)
    .setIssuedAt()
    .setExpirationTime(`${hours}h`)
    .sign(key);
}
