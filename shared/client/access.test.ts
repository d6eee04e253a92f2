import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access } from './access.ts';

test('after an error of its source, a token is asked for again', async () => {
  let calls = 0;
  const access = new Access(() => {
    if (++calls === 1) throw new Error('not logged in yet');
    return 'a token';
  });
  await assert.rejects(access.token(), { message: 'not logged in yet' });
  assert.equal(await access.token(), 'a token');
});

test('requests share a token, and a refused one is replaced once', async () => {
  const codes: (string | undefined)[] = [];
  const access = new Access((code) => `token ${codes.push(code)}`);
  assert.deepEqual(await Promise.all([access.token(), access.token()]), ['token 1', 'token 1']);
  await access.refuse('token 1', 'token_expired');
  assert.equal(await access.token(), 'token 2');
  await access.refuse('token 1', 'token_expired');
  assert.equal(await access.token(), 'token 2');
  assert.deepEqual(codes, [undefined, 'token_expired']);
});
