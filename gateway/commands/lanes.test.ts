import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch, RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { createLog } from '../../shared/log.ts';
import { Lanes } from './lanes.ts';

type SentBatch = Batch<string>;

const MINUTE_MS = 60_000;
const STEP_MS = 50;
let sent: SentBatch[] = [];
let sendFails = false;
/** The ids of the jobs that no worker has taken. The id of a job is its index in `sent`. */
let waitingJobs: Set<string>;
let lanes: Lanes<string, { id: string }>;

/** Costs MENTION_COST in a batch. Every other command costs 1. */
const EXPENSIVE = 'an expensive command';

const createLanes = (maxInFlight: number) =>
  new Lanes<string, { id: string }>({
    ...{ gatewayId: 'this gateway', count: 1, maxInFlight, send, log: createLog('test', 'silent') },
    ...{ maxBatchCommands: limits.MAX_BATCH_COMMANDS, minSecondBatchCommands: limits.MIN_SECOND_BATCH_COMMANDS },
    isWaiting: async (jobId) => waitingJobs.has(jobId),
    costOf: (command) => (command === EXPENSIVE ? limits.MENTION_COST : 1),
  });

async function send(batch: SentBatch): Promise<string> {
  sent.push(batch);
  if (sendFails) throw new Error('the queue does not answer');
  return String(sent.length - 1);
}

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  mock.method(performance, 'now', () => Date.now());
  sent = [];
  sendFails = false;
  waitingJobs = new Set();
  lanes = createLanes(2);
});

const push = (command: string, { expiresAtMs = Date.now() + MINUTE_MS, userId = 'a user' } = {}) =>
  new Promise<{ id: string } | RefusedOutcome>((onOutcome) => {
    lanes.push('a room', { userId, command, expiresAtMs, onOutcome });
  });

/** Lets the time pass in small steps, and lets the queue answer after each. */
async function pass(ms: number): Promise<void> {
  for (let passedMs = 0; passedMs < ms; passedMs += STEP_MS) {
    mock.timers.tick(Math.min(STEP_MS, ms - passedMs));
    await nextTurn();
  }
}

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

test('a batch has fewer commands if they are expensive, and another user does not wait for all of them', () => {
  void push('a');
  const fullBatch = limits.MAX_BATCH_COMMANDS / limits.MENTION_COST;
  for (let count = 0; count < 3 * fullBatch; count++) void push(EXPENSIVE);
  void push('b', { userId: 'another user' });
  reply(batch(0));
  assert.deepEqual([batch(1).commands.length, batch(1).commands[1]], [fullBatch + 1, 'b']);
});

test('a batch without a reply is sent again after 1 second, and a second reply to it is ignored', async () => {
  const outcome = push('a');
  void push('b');
  await pass(1_000);
  assert.deepEqual(sent[1], { ...sent[0], copy: 1 });
  reply(batch(0));
  assert.deepEqual(await outcome, { id: 'a' });
  reply(batch(1));
  assert.deepEqual(commandsSent(), [['a'], ['a'], ['b']]);
  assert.equal(lanes.pending, 1);
});

test('further copies follow every 0.7 seconds, and each has its number', async () => {
  void push('a');
  await pass(2_400);
  assert.deepEqual(
    sent.map(({ number, copy }) => [number, copy]),
    [
      [0, undefined],
      [0, 1],
      [0, 2],
      [0, 3],
    ],
  );
});

test('no copy is sent while the job waits in the queue, and a copy is sent when a worker has taken the job', async () => {
  const outcome = push('a');
  waitingJobs.add('0');
  await pass(10_000);
  assert.equal(sent.length, 1);
  waitingJobs.clear();
  await pass(700);
  assert.equal(sent.length, 2);
  reply(batch(1));
  assert.deepEqual(await outcome, { id: 'a' });
});

test('when replies may be lost, all batches in flight are sent again at once, except those that still wait', async () => {
  void push('first');
  const others = Array.from({ length: 500 }, (_, index) => push(`${index}`, { userId: `${index}` }));
  await nextTurn();
  waitingJobs.add('1');
  lanes.resend();
  await nextTurn();
  assert.deepEqual(
    sent.map(({ number, copy }) => [number, copy]),
    [
      [0, undefined],
      [1, undefined],
      [0, 1],
    ],
  );
  reply(batch(0));
  reply(batch(1));
  assert.equal((await Promise.all(others)).length, 500);
});

test('while a batch has no reply for 2 seconds, the lane refuses all other commands, and then continues', async () => {
  const first = push('a');
  const waiting = push('b');
  await pass(1_950);
  assert.equal(lanes.pending, 2);
  await pass(50);
  assert.deepEqual(await waiting, { code: 'busy' });
  assert.deepEqual(await push('c'), { code: 'busy' });
  await pass(3_000);
  assert.deepEqual(await push('d'), { code: 'busy' });
  assert.equal(lanes.pending, 1);
  reply(batch(0));
  assert.deepEqual(await first, { id: 'a' });
  const next = push('e');
  assert.deepEqual(batch(-1).commands, ['e']);
  reply(batch(-1));
  assert.deepEqual(await next, { id: 'e' });
});

test('while the queue does not answer, the refusal is unavailable', async () => {
  sendFails = true;
  void push('a');
  const waiting = push('b');
  await pass(2_000);
  assert.deepEqual(await waiting, { code: 'unavailable' });
  assert.deepEqual(await push('c'), { code: 'unavailable' });
});

test('a batch that follows a stalled batch gets its outcome, and the lane refuses until the first batch has one', async () => {
  const first = push('first');
  await pass(500);
  const [outcome] = Array.from({ length: 500 }, (_, index) => push(`${index}`, { userId: `${index}` }));
  await pass(1_500);
  reply(batch(1));
  assert.deepEqual(await outcome, { id: '0' });
  assert.deepEqual(await push('a'), { code: 'busy' });
  reply(batch(0));
  assert.deepEqual(await first, { id: 'first' });
  void push('b');
  assert.deepEqual(batch(-1).commands, ['b']);
});

test('the next batch in flight is watched too: without a reply for 2 seconds, it stalls the lane again', async () => {
  void push('first');
  await pass(500);
  for (let index = 0; index < 500; index++) void push(`${index}`, { userId: `${index}` });
  reply(batch(0));
  await pass(1_950);
  const waiting = push('a');
  await pass(50);
  assert.deepEqual(await waiting, { code: 'busy' });
});

test('a process that was stopped for a while reads a reply before it refuses a command', async () => {
  const first = push('a');
  const second = push('b');
  mock.timers.tick(5_000);
  reply(batch(0));
  assert.deepEqual(await first, { id: 'a' });
  await pass(100);
  reply(batch(-1));
  assert.deepEqual(await second, { id: 'b' });
});

test('a batch that could not be sent is sent again after 250 milliseconds', async () => {
  sendFails = true;
  const outcome = push('a');
  await nextTurn();
  sendFails = false;
  await pass(250);
  assert.deepEqual(commandsSent(), [['a'], ['a']]);
  reply(batch(1));
  assert.deepEqual(await outcome, { id: 'a' });
});

test('after 15 seconds without a reply, the outcome is unknown_outcome and the lane sends the next command', async () => {
  const outcome = push('a');
  await pass(16_000);
  assert.deepEqual(await outcome, { code: 'unknown_outcome' });
  const next = push('b');
  assert.deepEqual(batch(-1).commands, ['b']);
  reply(batch(-1));
  assert.deepEqual(await next, { id: 'b' });
});

test('after a batch was given up, the lane sends single commands until one has its outcome', async () => {
  void push('a');
  await pass(16_000);
  void push('probe');
  const waiting = Promise.all(pushMany(600));
  await pass(1_000);
  assert.deepEqual(batch(-1).commands, ['probe']);
  reply(batch(-1));
  assert.equal(batch(-1).commands.length, 601);
  reply(batch(-1));
  assert.equal((await waiting).filter((outcome) => 'id' in outcome).length, 600);
});

test('a command whose deadline passes while it waits is refused and never sent', async () => {
  const first = push('a');
  const late = push('b', { expiresAtMs: Date.now() + 800 });
  const next = push('c');
  mock.timers.tick(900);
  reply(batch(0));
  assert.deepEqual(await late, { code: 'expired' });
  assert.deepEqual(commandsSent(), [['a'], ['c']]);
  reply(batch(1));
  assert.deepEqual(await Promise.all([first, next]), [{ id: 'a' }, { id: 'c' }]);
});

const isPending = (outcome: Promise<unknown>) => Promise.race([outcome.then(() => false), nextTurn(true)]);

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

test('a batch that is sent again names its predecessor only while the predecessor has no reply', async () => {
  pushMany(500);
  await pass(1_000);
  assert.deepEqual(sent.map(({ number, follows }) => [number, follows]).slice(2), [
    [0, undefined],
    [1, 0],
  ]);
  reply(batch(0));
  await pass(700);
  assert.deepEqual([batch(4).number, batch(4).follows], [1, undefined]);
});

test('when a predecessor is given up, the next batch is sent without it', async () => {
  const first = push('first');
  await pass(1_500);
  pushMany(1_000);
  await pass(14_500);
  assert.deepEqual(await first, { code: 'unknown_outcome' });
  const last = sent.findLast(({ number }) => number === 1);
  assert.equal(last?.follows, undefined);
});

test('a batch whose predecessor is given up gets its outcome, even if it was sent shortly after the predecessor', async () => {
  const first = push('first');
  await pass(100);
  const [outcome] = pushMany(500);
  // A job that waits names the predecessor that is given up. So a copy without it is sent all the same.
  waitingJobs = new Set(['0', '1', '2']);
  for (let elapsedMs = 100; (await isPending(first)) && elapsedMs < 16_000; elapsedMs += STEP_MS) await pass(STEP_MS);
  assert.deepEqual(await first, { code: 'unknown_outcome' });
  assert.deepEqual([sent.length, batch(-1).number, batch(-1).follows], [3, 1, undefined]);
  await pass(900);
  reply(batch(-1));
  assert.deepEqual(await outcome, { id: '1' });
});

test('after its predecessor is given up, a batch without a reply is given up 1 second later', async () => {
  void push('first');
  await pass(100);
  const [outcome] = pushMany(500);
  await pass(17_000);
  assert.deepEqual(await outcome, { code: 'unknown_outcome' });
});

test('a lane with one batch in flight sends no second batch', () => {
  lanes = createLanes(1);
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
