import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { after, mock, test } from 'node:test';
import argon2 from 'argon2';
import { Passwords } from './passwords.ts';

const passwords = await Passwords.start();
after(() => passwords.close());
const hash = await passwords.hash('correct horse');

/** The process in which this one has its passwords hashed. */
function hasher(): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => {
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1];
      return parent === `${process.pid}` && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('hasher.ts');
    } catch {
      return false; // has ended meanwhile
    }
  });
  assert.equal(found.length, 1);
  return Number(found[0]);
}

test('a password fits its own hash alone, and no hash fits none', async () => {
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  assert.deepEqual(await passwords.verify(hash, 'correct horse'), { isRight: true, isOld: false });
  assert.deepEqual(await passwords.verify(hash, 'battery staple'), { isRight: false, isOld: false });
  assert.deepEqual(await passwords.verify(undefined, 'nobody'), { isRight: false, isOld: false });
});

test('a hash of older parameters fits, and is told', async () => {
  const older = await argon2.hash('correct horse', { memoryCost: 8_192, timeCost: 3, parallelism: 1 });
  assert.deepEqual(await passwords.verify(older, 'correct horse'), { isRight: true, isOld: true });
});

test('what is no hash is refused, and the next is served', async () => {
  await assert.rejects(passwords.verify('nonsense', 'correct horse'), { code: 'busy' });
  assert.equal((await passwords.verify(hash, 'correct horse')).isRight, true);
});

test('a storm is refused as busy, and what was taken is done', async () => {
  const storm = await Promise.allSettled(Array.from({ length: 100 }, () => passwords.verify(hash, 'correct horse')));
  const done = storm.filter((each) => each.status === 'fulfilled');
  const refused = storm.filter((each) => each.status === 'rejected');
  assert.equal(done.length, 66);
  assert.deepEqual([...new Set(refused.map(({ reason }) => reason.code))], ['busy']);
  assert.equal(passwords.isBusy, false);
});

test('it works with the lowest priority, and one that dies is replaced', async () => {
  const first = hasher();
  assert.equal(getPriority(first), 19);
  const asked = Promise.allSettled(Array.from({ length: 5 }, () => passwords.verify(hash, 'correct horse')));
  process.kill(first, 'SIGKILL');
  const statuses = (await asked).map(({ status }) => status);
  assert.deepEqual(statuses, ['rejected', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
  assert.notEqual(hasher(), first);
});

test('one that hangs is given up, and replaced', async () => {
  const first = hasher();
  mock.timers.enable({ apis: ['setTimeout'] });
  process.kill(first, 'SIGSTOP');
  const asked = passwords.verify(hash, 'correct horse');
  mock.timers.tick(20_000);
  await assert.rejects(asked, { code: 'busy' });
  mock.timers.reset();
  assert.equal((await passwords.verify(hash, 'correct horse')).isRight, true);
  assert.notEqual(hasher(), first);
});
