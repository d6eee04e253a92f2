import { errors as joseErrors, jwtVerify } from 'jose';
import * as v from 'valibot';
import { importTokenKey, signToken, TOKEN_RULES } from '../../shared/access-tokens.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { Id } from '../../shared/contract/ids.ts';

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
  const importedKey = importTokenKey(secret);
  return {
    sign: async (userId, version) => signToken(await importedKey, { userId, version, hours }),

    async verify(authorization) {
      const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
      if (!token) throw new Refusal('no_token');
      try {
        const { algorithm, ...claims } = TOKEN_RULES;
        const rules = { algorithms: [algorithm], ...claims, requiredClaims: ['exp'] };
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
