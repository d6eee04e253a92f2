import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPassword, verifyPassword } from './passwords.ts';

test('a password fits its own hash alone, and no hash fits none', async () => {
  const hash = await hashPassword('correct horse');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  assert.equal(await verifyPassword(hash, 'correct horse'), true);
  assert.equal(await verifyPassword(hash, 'battery staple'), false);
  assert.equal(await verifyPassword(undefined, 'nobody'), false);
});

test('a storm is refused as busy, and what was taken is done', async () => {
  const hash = await hashPassword('correct horse');
  const storm = await Promise.allSettled(Array.from({ length: 100 }, () => verifyPassword(hash, 'correct horse')));
  const done = storm.filter((each) => each.status === 'fulfilled');
  const refused = storm.filter((each) => each.status === 'rejected');
  assert.equal(done.length, 66);
  assert.deepEqual([...new Set(refused.map(({ reason }) => reason.code))], ['busy']);
  assert.equal(await verifyPassword(hash, 'correct horse'), true);
});
