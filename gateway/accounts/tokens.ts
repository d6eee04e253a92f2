import { webcrypto } from 'node:crypto';
import { errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { Refusal } from '../../shared/contract/errors.ts';
import { Id, newId } from '../../shared/contract/ids.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'rooms';
const AUDIENCE = 'rooms';

const WholeNumber = v.pipe(v.number(), v.safeInteger());

/** The claims that the gateway reads. jose checks the issuer and the audience. */
const Claims = v.object({ sub: Id, jti: Id, ver: WholeNumber, exp: WholeNumber });

/** Describes the token of a request or socket, and its user. */
export const Bearer = v.object({
  userId: Id,
  tokenId: Id,
  /** The user's `token_version` when the token was made. The token is invalid when the user has a higher version. */
  version: WholeNumber,
  /** When the token expires, in milliseconds since 1970. */
  expires: WholeNumber,
});
export type Bearer = v.InferOutput<typeof Bearer>;

export interface Tokens {
  sign(userId: string, version: number): Promise<string>;
  /**
   * Checks the signature, the claims and the expiry. Does not check revocations: `Reads.isTokenValid` reads these.
   * @param authorization the value of the header, such as `Bearer eyJ…`
   * @throws Refusal `no_token`, `bad_token` or `token_expired`
   */
  verify(authorization: string | undefined): Promise<Bearer>;
}

/** Signs and checks access tokens (JWTs, RFC 7519). @param secret `API_SECRET` @param hours `TOKEN_HOUR_LIFESPAN` */
export function createTokens(secret: string, hours: number): Tokens {
  const importedKey = importKey(secret);
  return {
    sign: async (userId, version) =>
      new SignJWT({ ver: version })
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(userId)
        .setJti(newId())
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${hours}h`)
        .sign(await importedKey),

    async verify(authorization) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
      if (!token) throw new Refusal('no_token');
      try {
        const rules = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['exp'] };
        const { payload } = await jwtVerify(token, await importedKey, rules);
        const { sub, jti, ver, exp } = v.parse(Claims, payload);
        return { userId: sub, tokenId: jti, version: ver, expires: exp * 1_000 };
      } catch (error) {
        if (error instanceof joseErrors.JWTExpired) throw new Refusal('token_expired');
        throw new Refusal('bad_token', { cause: error });
      }
    },
  };
}

/** Imports the key once. If jose gets the secret itself, it imports a key for every token. */
function importKey(secret: string): Promise<webcrypto.CryptoKey> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return webcrypto.subtle.importKey('raw', new TextEncoder().encode(secret), algorithm, false, ['sign', 'verify']);
}
