import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import { createTokens } from './tokens.ts';
import { VerifiedTokens } from './verified-tokens.ts';

type Bearer = ReturnType<typeof bearerUntil>;
const bearerUntil = (expires: number) => ({ userId: newId(), tokenId: newId(), version: 0, expires });

test('a remembered token is found, and only with exactly the same text', () => {
  const verified = new VerifiedTokens<Bearer>();
  const bearer = bearerUntil(Date.now() + 60_000);
  verified.remember('Bearer abc', bearer);
  assert.equal(verified.find('Bearer abc'), bearer);
  for (const other of ['Bearer ab', 'Bearer abcd', 'bearer abc', '']) assert.equal(verified.find(other), undefined);
});

test('a token that was accepted before is refused as expired after its time', async (context) => {
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const tokens = createTokens('a secret of more than 32 characters', 1);
  const authorization = `Bearer ${await tokens.sign(newId(), 0)}`;
  const { expires } = tokens.verify(authorization);
  context.mock.timers.setTime(expires - 1);
  assert.equal(tokens.verify(authorization).expires, expires);
  context.mock.timers.setTime(expires);
  assert.throws(() => tokens.verify(authorization), { code: 'token_expired' });
});

test('of very many tokens, the ones in use stay and the others are forgotten', () => {
  const verified = new VerifiedTokens<Bearer>();
  const expires = Date.now() + 60_000;
  verified.remember('unused', bearerUntil(expires));
  verified.remember('used', bearerUntil(expires));
  for (let index = 0; index < 10_000; index++) {
    verified.remember(`token ${index}`, bearerUntil(expires));
    assert.ok(verified.find('used'), `forgotten after ${index} other tokens`);
  }
  assert.equal(verified.find('unused'), undefined);
});
