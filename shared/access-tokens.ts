import { webcrypto } from 'node:crypto';
import { SignJWT } from 'jose';
import { newId } from './contract/ids.ts';

/** The claims and the algorithm that every access token must have. */
export const TOKEN_RULES = { algorithm: 'HS256', issuer: 'rooms', audience: 'rooms' } as const;

/** Imports the key once. If jose gets the secret itself, it imports a key for every token. */
export function importTokenKey(secret: string): Promise<webcrypto.CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign', 'verify']);
}

/**
 * Signs an access token (a JWT, RFC 7519).
 * @param version the `token_version` of the user
 * @param hours the time until the token expires
 */
export function signToken(
  key: webcrypto.CryptoKey,
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
