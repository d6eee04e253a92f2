import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { newId } from '../../shared/contract/ids.ts';
import { createTokens } from './tokens.ts';

const SECRET = 'a secret of more than 32 characters';
const tokens = createTokens(SECRET, 3);
const userId = newId();

const good = { sub: userId, jti: newId(), ver: 0, iss: 'rooms', aud: 'rooms', exp: 4_000_000_000 };

function forge(claims: Record<string, unknown>, { secret = SECRET, alg = 'HS256' } = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

test('a signed token contains its user, its version and its expiry', async () => {
  const before = Math.floor(Date.now() / 1_000) * 1_000;
  const token = await tokens.sign(userId, 7);
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'HS256' });
  const bearer = await tokens.verify(`Bearer ${token}`);
  assert.deepEqual([bearer.userId, bearer.version, bearer.tokenId], [userId, 7, decodeJwt(token).jti]);
  const lifetimeMs = bearer.expires - before;
  assert.ok(lifetimeMs >= 3 * 3_600_000 && lifetimeMs < 3 * 3_600_000 + 10_000, `${lifetimeMs} ms`);
});

test('two tokens of the same user never have the same id', async () => {
  const ids = await Promise.all(Array.from({ length: 10 }, async () => decodeJwt(await tokens.sign(userId, 0)).jti));
  assert.equal(new Set(ids).size, 10);
});

test('a valid token works, and the word Bearer is case-insensitive', async () => {
  const token = await forge(good);
  for (const word of ['Bearer', 'bearer', 'BEARER ']) {
    assert.equal((await tokens.verify(`${word} ${token}`)).userId, userId);
  }
});

for (const authorization of [undefined, '', 'Bearer', 'Bearer ', 'Basic eyJ', 'Bearer a b']) {
  test(`the header ${JSON.stringify(authorization)} contains no token`, async () => {
    await assert.rejects(tokens.verify(authorization), { code: 'no_token' });
  });
}

const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(good)).toString('base64url')}.`;

const invalid: Record<string, () => string | Promise<string>> = {
  'a text that is not a JWT': () => 'nonsense',
  'no signature': () => unsigned,
  'another secret': () => forge(good, { secret: 'another secret of over 32 characters' }),
  'another algorithm': () => forge(good, { alg: 'HS512', secret: SECRET.repeat(2) }),
  'another issuer': () => forge({ ...good, iss: 'others' }),
  'another audience': () => forge({ ...good, aud: 'others' }),
  'no expiry': () => forge({ ...good, exp: undefined }),
  'no id': () => forge({ ...good, jti: undefined }),
  'a user id that is not a UUID': () => forge({ ...good, sub: 'ann' }),
  'a version that is not a whole number': () => forge({ ...good, ver: 0.5 }),
};

for (const [what, token] of Object.entries(invalid)) {
  test(`a token with ${what} is refused`, async () => {
    await assert.rejects(tokens.verify(`Bearer ${await token()}`), { code: 'bad_token' });
  });
}

test('an expired token is refused as expired', async () => {
  const token = await forge({ ...good, exp: Math.floor(Date.now() / 1_000) - 1 });
  await assert.rejects(tokens.verify(`Bearer ${token}`), { code: 'token_expired' });
});
