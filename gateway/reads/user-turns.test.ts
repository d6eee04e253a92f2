import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { UserTurns } from './user-turns.ts';

/** Starts reads that end when the test says so. `started` has the name of each read in the order of the starts. */
function openReads(turns: UserTurns) {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const read = (userId: string, isAfterCommand = false) =>
    turns.run(
      userId,
      async () => {
        started.push(userId);
        await new Promise<void>((resolve) => ends.push(resolve));
        return userId;
      },
      isAfterCommand,
    );
  const endOne = async () => {
    ends.shift()?.();
    await tick();
  };
  return { started, read, endOne };
}

test('a user with many waiting reads delays the read of another user by one read at most', async () => {
  const { started, read, endOne } = openReads(new UserTurns({ atOnce: 2, ofUserAtOnce: 2, ofUserWaiting: 100 }));
  const reads = [...Array.from({ length: 50 }, () => read('flood')), read('ann'), read('bob')];
  await tick();
  assert.deepEqual(started, ['flood', 'flood']);
  for (let index = 0; index < 4; index++) await endOne();
  assert.deepEqual(started.slice(2, 6), ['flood', 'ann', 'bob', 'flood']);
  while (started.length < reads.length) await endOne();
  await endOne();
  await endOne();
  assert.equal((await Promise.all(reads)).length, 52);
});

test('a user never has more reads at once than allowed, while others have none', async () => {
  const { started, read, endOne } = openReads(new UserTurns({ atOnce: 10, ofUserAtOnce: 2, ofUserWaiting: 100 }));
  const reads = Array.from({ length: 5 }, () => read('flood'));
  await tick();
  assert.equal(started.length, 2);
  await endOne();
  assert.equal(started.length, 3);
  for (let index = 0; index < 4; index++) await endOne();
  await Promise.all(reads);
});

test('only the user with too many waiting reads is refused, and never after a command', async () => {
  const { started, read, endOne } = openReads(new UserTurns({ atOnce: 1, ofUserAtOnce: 1, ofUserWaiting: 2 }));
  const accepted = [read('flood'), read('flood'), read('flood'), read('ann')];
  await assert.rejects(read('flood'), { code: 'too_many_reads', status: 429, retryAfter: 1 });
  accepted.push(read('flood', true));
  while (started.length < accepted.length) await endOne();
  await endOne();
  assert.equal((await Promise.all(accepted)).length, 5);
});

test('a read that fails gives its place to the next read', async () => {
  const turns = new UserTurns({ atOnce: 1, ofUserAtOnce: 1, ofUserWaiting: 1 });
  const failed = turns.run('ann', () => Promise.reject(new Error('lost')));
  const next = turns.run('ann', async () => 'done');
  await assert.rejects(failed, /lost/);
  assert.equal(await next, 'done');
});
