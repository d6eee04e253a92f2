import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch, RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { createLog } from '../../shared/log.ts';
import { Lanes } from './lanes.ts';

type SentBatch = Batch<string>;

const MINUTE_MS = 60_000;
let sent: SentBatch[] = [];
let sendFails = false;
let lanes: Lanes<string, { id: string }>;

const createLanes = (maxInFlight: number, send: (batch: SentBatch) => Promise<void>) =>
  new Lanes<string, { id: string }>({
    ...{ gatewayId: 'this gateway', count: 1, maxInFlight },
    ...{ maxBatchCommands: limits.MAX_BATCH_COMMANDS, minSecondBatchCommands: limits.MIN_SECOND_BATCH_COMMANDS },
    ...{ send, log: createLog('test', 'silent') },
  });

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  mock.method(performance, 'now', () => Date.now());
  sent = [];
  sendFails = false;
  const send = async (batch: SentBatch) => {
    sent.push(batch);
    if (sendFails) throw new Error('the queue does not answer');
  };
  lanes = createLanes(2, send);
});

const push = (command: string, { expiresAtMs = Date.now() + MINUTE_MS, userId = 'a user' } = {}) =>
  new Promise<{ id: string } | RefusedOutcome>((onOutcome) => {
    lanes.push('a room', { userId, command, expiresAtMs, onOutcome });
  });
const outcomesOf = ({ commands }: SentBatch) => commands.map((id) => ({ id }));
const reply = (batch: SentBatch, outcomes = outcomesOf(batch)) => lanes.complete(batch.lane, batch.number, outcomes);
const commandsSent = () => sent.map(({ commands }) => commands);
const batch = (index: number) => sent.at(index) as SentBatch;

test('commands that arrive while a batch is in flight go into the next batch', async () => {
  const outcomes = ['a', 'b', 'c'].map((command) => push(command));
  assert.deepEqual(commandsSent(), [['a']]);
  reply(batch(0));
  assert.deepEqual(commandsSent(), [['a'], ['b', 'c']]);
  reply(batch(1));
  assert.deepEqual(await Promise.all(outcomes), [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  assert.equal(lanes.pending, 0);
});

test('a batch without a reply is sent again after 1.5 seconds, and a second reply to it is ignored', async () => {
  const outcome = push('a');
  void push('b');
  mock.timers.tick(1_500);
  assert.deepEqual(sent[1], sent[0]);
  reply(batch(0));
  assert.deepEqual(await outcome, { id: 'a' });
  reply(batch(1));
  assert.deepEqual(commandsSent(), [['a'], ['a'], ['b']]);
  assert.equal(lanes.pending, 1);
});

test('a batch that could not be sent is sent again after 250 milliseconds', async () => {
  sendFails = true;
  const outcome = push('a');
  await nextTurn();
  sendFails = false;
  mock.timers.tick(250);
  assert.deepEqual(commandsSent(), [['a'], ['a']]);
  reply(batch(1));
  assert.deepEqual(await outcome, { id: 'a' });
});

test('after 15 seconds without a reply, the outcome is unknown_outcome and the lane sends the next batch', async () => {
  const outcome = push('a');
  const next = push('b');
  for (let second = 0; second < 16; second++) mock.timers.tick(1_000);
  assert.deepEqual(await outcome, { code: 'unknown_outcome' });
  assert.deepEqual(batch(-1).commands, ['b']);
  reply(batch(-1));
  assert.deepEqual(await next, { id: 'b' });
});

test('a command whose deadline passes while it waits is refused and never sent', async () => {
  const first = push('a');
  const late = push('b', { expiresAtMs: Date.now() + 1_000 });
  const next = push('c');
  mock.timers.tick(1_200);
  reply(batch(0));
  assert.deepEqual(await late, { code: 'expired' });
  assert.deepEqual(commandsSent(), [['a'], ['c']]);
  reply(batch(1));
  assert.deepEqual(await Promise.all([first, next]), [{ id: 'a' }, { id: 'c' }]);
});

/** Sends one command, then the numbers 1 to `count`, each for the user that `userOf` returns. The commands wait. */
function pushMany(count: number, userOf = (index: number) => `user ${index % 100}`) {
  void push('first');
  return Array.from({ length: count }, (_, index) => push(`${index + 1}`, { userId: userOf(index) }));
}

test('a lane with 10,000 waiting commands refuses the next command, and a batch has at most 1,000 commands', async () => {
  const outcomes = pushMany(10_500);
  assert.deepEqual(await push('one too many'), { code: 'busy' });
  assert.deepEqual(
    sent.map(({ commands }) => commands.length),
    [1, 500],
  );
  for (let index = 0; index < sent.length; index++) reply(batch(index));
  assert.equal(lanes.pending, 0);
  assert.equal((await Promise.all(outcomes)).length, 10_500);
  assert.deepEqual([...new Set(sent.slice(2).map(({ commands }) => commands.length))], [1_000]);
});

test('a user with 1,000 waiting commands gets busy, and the other users do not', async () => {
  pushMany(1_500, () => 'a flooding user');
  assert.deepEqual(await push('one too many', { userId: 'a flooding user' }), { code: 'busy' });
  const outcome = push('a', { userId: 'another user' });
  reply(batch(1));
  reply(batch(2));
  assert.deepEqual(await outcome, { id: 'a' });
});

test('users take turns: one command of another user passes the many commands of a flooding user', () => {
  pushMany(600, () => 'a flooding user');
  void push('a', { userId: 'another user' });
  void push('b', { userId: 'another user' });
  reply(batch(1));
  reply(batch(0));
  assert.deepEqual(batch(2).commands.slice(0, 5), ['501', 'a', '502', 'b', '503']);
});

test('a second batch is sent only when 500 commands wait, and it names the batch that it follows', () => {
  pushMany(499);
  assert.equal(sent.length, 1);
  void push('500th', { userId: 'the last user' });
  assert.deepEqual(
    sent.map(({ number, follows, commands }) => [number, follows, commands.length]),
    [
      [0, undefined, 1],
      [1, 0, 500],
    ],
  );
});

test('at most two batches are in flight', () => {
  pushMany(2_000);
  assert.equal(sent.length, 2);
  reply(batch(1));
  assert.deepEqual([sent.length, batch(2).follows], [3, 0]);
  reply(batch(0));
  assert.deepEqual([sent.length, batch(3).follows], [4, 2]);
});

test('a batch that is sent again names its predecessor only while the predecessor has no reply', () => {
  pushMany(500);
  mock.timers.tick(1_500);
  assert.deepEqual(sent.map(({ number, follows }) => [number, follows]).slice(2), [
    [0, undefined],
    [1, 0],
  ]);
  reply(batch(0));
  mock.timers.tick(1_500);
  assert.deepEqual([batch(4).number, batch(4).follows], [1, undefined]);
});

test('when a predecessor is given up, the next batch is sent without it', async () => {
  const first = push('first');
  mock.timers.tick(5_000);
  pushMany(1_000);
  for (let second = 0; second < 12; second++) mock.timers.tick(1_000);
  assert.deepEqual(await first, { code: 'unknown_outcome' });
  const last = sent.findLast(({ number }) => number === 1);
  assert.equal(last?.follows, undefined);
});

test('a batch whose predecessor is given up gets its outcome, even if it was sent shortly after the predecessor', async () => {
  const first = push('first');
  mock.timers.tick(100);
  const [outcome] = pushMany(500);
  for (let elapsedMs = 100; elapsedMs < 15_000; elapsedMs += 100) mock.timers.tick(100);
  assert.deepEqual(await first, { code: 'unknown_outcome' });
  assert.deepEqual([batch(-1).number, batch(-1).follows], [1, undefined]);
  mock.timers.tick(1_000);
  reply(batch(-1));
  assert.deepEqual(await outcome, { id: '1' });
});

test('after its predecessor is given up, a batch without a reply is given up 1.5 seconds later', async () => {
  void push('first');
  mock.timers.tick(100);
  const [outcome] = pushMany(500);
  for (let elapsedMs = 100; elapsedMs < 16_500; elapsedMs += 100) mock.timers.tick(100);
  assert.deepEqual(await outcome, { code: 'unknown_outcome' });
});

test('a lane with one batch in flight sends no second batch', () => {
  lanes = createLanes(1, async (batch) => void sent.push(batch));
  pushMany(600);
  assert.equal(sent.length, 1);
});

test('an outcome becomes internal if it is missing, is not an object or has an unknown error code', async () => {
  const first = push('a');
  const others = ['b', 'c', 'd', 'e'].map((command) => push(command));
  reply(batch(0), []);
  const unreadable = ['text', null, { code: 'a_code_of_a_later_version' }] as unknown as { id: string }[];
  reply(batch(1), [...unreadable, { id: 'e' }]);
  const internal = { code: 'internal' };
  assert.deepEqual(await Promise.all([first, ...others]), [internal, internal, internal, internal, { id: 'e' }]);
});

test('a reply to another lane or another batch is ignored', async () => {
  const outcome = push('a');
  const { lane, number } = batch(0);
  lanes.complete(lane + 1, number, [{ id: 'other lane' }]);
  lanes.complete(lane, number + 1, [{ id: 'other batch' }]);
  assert.equal(lanes.pending, 1);
  reply(batch(0));
  assert.deepEqual(await outcome, { id: 'a' });
});
