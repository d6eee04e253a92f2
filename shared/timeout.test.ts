import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTimeout } from './timeout.ts';

test('an answer or an error is passed on, and a missing answer becomes an error', async () => {
  assert.equal(await withTimeout(Promise.resolve(1), 1_000), 1);
  await assert.rejects(withTimeout(Promise.reject(new Error('no')), 1_000), /^Error: no$/);
  await assert.rejects(withTimeout(new Promise(() => undefined), 10), /no answer in 10 ms/);
});
