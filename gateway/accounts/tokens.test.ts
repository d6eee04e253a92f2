import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose';
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
  const bearer = tokens.verify(`Bearer ${token}`);
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
    assert.equal(tokens.verify(`${word} ${token}`).userId, userId);
  }
});

for (const authorization of [undefined, '', 'Bearer', 'Bearer ', 'Basic eyJ', 'Bearer a b']) {
  test(`the header ${JSON.stringify(authorization)} contains no token`, () => {
    assert.throws(() => tokens.verify(authorization), { code: 'no_token' });
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
    const text = await token();
    assert.throws(() => tokens.verify(`Bearer ${text}`), { code: 'bad_token' });
  });
}

test('an expired token is refused as expired', async () => {
  const token = await forge({ ...good, exp: Math.floor(Date.now() / 1_000) - 1 });
  assert.throws(() => tokens.verify(`Bearer ${token}`), { code: 'token_expired' });
});

/** Signs any two texts, so a test can sign what jose does not sign. */
function signParts(header: string, payload: string): string {
  const input = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`;
}
const withClaims = (claims: object) => signParts('{"alg":"HS256"}', JSON.stringify({ ...good, ...claims }));
const withHeader = (header: string) => signParts(header, JSON.stringify(good));
const signed = withClaims({});
const [now, flipped] = [Math.floor(Date.now() / 1_000), signed.at(-5) === 'A' ? 'B' : 'A'];

/** Tokens that jose accepts, and tokens that jose refuses for different reasons. */
const samples: Record<string, string> = {
  'a good signature': signed,
  'a changed signature': `${signed.slice(0, -5)}${flipped}${signed.slice(-4)}`,
  'a short signature': signed.slice(0, -1),
  'a long signature': `${signed}A`,
  'an empty signature': signed.slice(0, signed.lastIndexOf('.') + 1),
  'two parts': signed.slice(0, signed.lastIndexOf('.')),
  'four parts': `${signed}.${signed}`,
  'a header with a type': withHeader('{"typ":"JWT","alg":"HS256"}'),
  'a header with spaces': withHeader('{ "alg": "HS256" }'),
  'a header without an algorithm': withHeader('{}'),
  'a header with no signature': withHeader('{"alg":"none"}'),
  'a header with HS384': withHeader('{"alg":"HS384"}'),
  'a header with RS256': withHeader('{"alg":"RS256"}'),
  'a header in lower case': withHeader('{"alg":"hs256"}'),
  'a header with an unknown extension': withHeader('{"alg":"HS256","crit":["x"],"x":1}'),
  'a header with an empty list of extensions': withHeader('{"alg":"HS256","crit":[]}'),
  'a header that is a list': withHeader('["HS256"]'),
  'a header that is not JSON': withHeader('HS256'),
  'a payload that is a list': signParts('{"alg":"HS256"}', '[]'),
  'a payload that is not JSON': signParts('{"alg":"HS256"}', 'nonsense'),
  'an expiry in the past': withClaims({ exp: now - 1 }),
  'an expiry now': withClaims({ exp: now - 0.5 }),
  'an expiry that is a text': withClaims({ exp: '4000000000' }),
  'an expiry of null': withClaims({ exp: null }),
  'a start in the past': withClaims({ nbf: now - 1 }),
  'a start in the future': withClaims({ nbf: now + 60 }),
  'a start that is a text': withClaims({ nbf: '0' }),
  'a time of issue in the future': withClaims({ iat: now + 60 }),
  'a time of issue that is a text': withClaims({ iat: '0' }),
  'a list of audiences': withClaims({ aud: ['others', 'rooms'] }),
  'a list of other audiences': withClaims({ aud: ['others'] }),
  'an audience of null': withClaims({ aud: null }),
  'a list of issuers': withClaims({ iss: ['rooms'] }),
};

for (const [what, token] of Object.entries(samples)) {
  test(`a token with ${what} has the same answer as from jwtVerify of jose`, async () => {
    const rules = { algorithms: ['HS256'], issuer: 'rooms', audience: 'rooms', requiredClaims: ['exp'] };
    const verified = jwtVerify(token, new TextEncoder().encode(SECRET), rules);
    const expected = await verified.then(
      ({ payload }) => (payload.exp === good.exp ? 'accepted' : 'bad_token'),
      ({ code }) => (code === 'ERR_JWT_EXPIRED' ? 'token_expired' : 'bad_token'),
    );
    assert.equal(answerTo(token), expected);
  });
}

function answerTo(token: string): unknown {
  try {
    tokens.verify(`Bearer ${token}`);
    return 'accepted';
  } catch (error) {
    return (error as { code: string }).code;
  }
}
