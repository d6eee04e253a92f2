import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPatience } from './patience.ts';

test('an answer comes through, so does a failure, and silence ends', async () => {
  assert.equal(await withPatience(Promise.resolve(1), 1_000), 1);
  await assert.rejects(withPatience(Promise.reject(new Error('no')), 1_000), /^Error: no$/);
  await assert.rejects(withPatience(new Promise(() => undefined), 10), /no answer in 10 ms/);
});
