import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { decodeProtectedHeader, errors as joseErrors, UnsecuredJWT } from 'jose';
import * as v from 'valibot';
import { importTokenKey, signToken, TOKEN_RULES } from '../../shared/access-tokens.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { Id } from '../../shared/contract/ids.ts';
import { VerifiedTokens } from './verified-tokens.ts';

const { algorithm: ALGORITHM, ...claimsOfToken } = TOKEN_RULES;
const CLAIM_RULES = { ...claimsOfToken, requiredClaims: ['exp'] };
/** The header that `signToken` makes, and the header of a token without a signature. */
const [SIGNED_HEADER, UNSIGNED_HEADER] = [ALGORITHM, 'none'].map((alg) => encode({ alg })) as [string, string];

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
   * Checks the signature, the claims and the expiry. Does not check revocations: `Reads.session` and `Reads.attachment` read these.
   * @param authorization the value of the header, such as `Bearer eyJ…`
   * @throws Refusal `no_token`, `bad_token` or `token_expired`
   */
  verify(authorization: string | undefined): Bearer;
}

/** Signs and checks access tokens (JWTs, RFC 7519). @param secret `API_SECRET` @param hours `TOKEN_HOUR_LIFESPAN` */
export function createTokens(secret: string, hours: number): Tokens {
  const key = importTokenKey(secret);
  const verified = new VerifiedTokens<Bearer>();
  return {
    sign: (userId, version) => signToken(key, { userId, version, hours }),

    verify(authorization = '') {
      const known = verified.find(authorization);
      if (known) return known;
      const bearer = verifyToken(authorization, key);
      verified.remember(authorization, bearer);
      return bearer;
    },
  };
}

function verifyToken(authorization: string, key: KeyObject): Bearer {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (!token) throw new Refusal('no_token');
  try {
    const { sub, jti, ver, exp } = v.parse(Claims, verifiedClaims(token, key));
    return { userId: sub, tokenId: jti, version: ver, expires: exp * 1_000 };
  } catch (error) {
    if (error instanceof joseErrors.JWTExpired) throw new Refusal('token_expired');
    throw new Refusal('bad_token', { cause: error });
  }
}

/**
 * Checks the header and the signature here, and lets jose check the claims. `jwtVerify` of jose does all of this, but
 * with WebCrypto, on other threads: it needs four times the CPU time, and its answer comes in a later tick.
 */
function verifiedClaims(token: string, key: KeyObject): unknown {
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || !isSupported(header)) throw new Error('the header of this token is not supported');
  const expected = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url');
  if (!isEqual(signature, expected)) throw new Error('the signature of this token is wrong');
  return UnsecuredJWT.decode(`${UNSIGNED_HEADER}.${payload}.`, CLAIM_RULES).payload;
}

/** A header with `crit` names extensions that the reader must know. There are none here. */
function isSupported(header: string): boolean {
  if (header === SIGNED_HEADER) return true;
  const { alg, crit } = decodeProtectedHeader(`${header}..`);
  return alg === ALGORITHM && crit === undefined;
}

function isEqual(text: string, expected: string): boolean {
  const [a, b] = [Buffer.from(text), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function encode(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString('base64url');
}
