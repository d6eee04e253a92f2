import { errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { Refusal } from '../../shared/contract/errors.ts';
import { Id, newId } from '../../shared/contract/ids.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'rooms';
const AUDIENCE = 'rooms';

/** The claims that Rooms uses, beside issuer and audience. */
const Claims = v.object({ sub: Id, jti: Id, ver: v.pipe(v.number(), v.integer()), exp: v.number() });

/** Who shows a good token, and which. */
export interface Bearer {
  userId: string;
  tokenId: string;
  /** The user's `token_version` when the token was made: it is over when that is higher. */
  version: number;
  /** When the token ends, milliseconds since 1970. */
  expires: number;
}

export interface Tokens {
  sign(userId: string, version: number): Promise<string>;
  /**
   * Looks at the token alone, not whether it was revoked.
   * @throws Refusal `no_token`, `bad_token` or `token_expired`
   */
  verify(authorization: string | undefined): Promise<Bearer>;
}

/** Access tokens: JWTs (RFC 7519) of one algorithm. @param hours how long each is good */
export function createTokens(secret: string, hours: number): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    sign: (userId, version) =>
      new SignJWT({ ver: version })
        .setProtectedHeader({ alg: ALGORITHM })
        .setSubject(userId)
        .setJti(newId())
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${hours}h`)
        .sign(key),

    async verify(authorization) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
      if (!token) throw new Refusal('no_token');
      try {
        const rules = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['exp'] };
        const { payload } = await jwtVerify(token, key, rules);
        const { sub, jti, ver, exp } = v.parse(Claims, payload);
        return { userId: sub, tokenId: jti, version: ver, expires: exp * 1_000 };
      } catch (error) {
        if (error instanceof joseErrors.JWTExpired) throw new Refusal('token_expired');
        throw new Refusal('bad_token', { cause: error });
      }
    },
  };
}
