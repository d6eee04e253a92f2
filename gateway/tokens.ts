import { errors as joseErrors, jwtVerify, SignJWT } from 'jose';
import { Refusal } from '../shared/errors.ts';
import { newId } from '../shared/ids.ts';

const ALGORITHM = 'HS256';
const ISSUER = 'rooms';
const AUDIENCE = 'rooms';

/** Who shows a good token. */
export interface Bearer {
  userId: string;
  /** When the token ends, milliseconds since 1970. */
  expires: number;
}

export interface Tokens {
  sign(userId: string): Promise<string>;
  /** @throws Refusal `no_token`, `bad_token` or `token_expired` */
  verify(authorization: string | undefined): Promise<Bearer>;
}

/** Access tokens: JWTs (RFC 7519) of one algorithm. @param hours how long each is good */
export function createTokens(secret: string, hours: number): Tokens {
  const key = new TextEncoder().encode(secret);
  return {
    sign: (userId) =>
      new SignJWT()
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
        const rules = { algorithms: [ALGORITHM], issuer: ISSUER, audience: AUDIENCE, requiredClaims: ['sub', 'exp'] };
        const { payload } = await jwtVerify(token, key, rules);
        return { userId: payload.sub as string, expires: (payload.exp as number) * 1_000 };
      } catch (error) {
        if (error instanceof joseErrors.JWTExpired) throw new Refusal('token_expired');
        throw new Refusal('bad_token', undefined, { cause: error });
      }
    },
  };
}
