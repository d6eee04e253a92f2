import { createHmac, randomUUID } from 'node:crypto';

const LIFETIME_S = 12 * 3_600;
const HEADER = encode({ alg: 'HS256' });

/** Signs the token of a user with the secret of the gateways. A login needs a password hash, so it is slow. */
export function signToken(secret: string, userId: string): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: userId,
    jti: randomUUID(),
    ver: 0,
    iss: 'rooms',
    aud: 'rooms',
    iat: now,
    exp: now + LIFETIME_S,
  };
  const signed = `${HEADER}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
