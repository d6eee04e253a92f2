import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Batch } from '../../shared/contract/jobs.ts';
import { createLog } from '../../shared/log.ts';
import { Lanes } from './lanes.ts';

type SentBatch = Batch<string>;

const MINUTE_MS = 60_000;
let sent: SentBatch[] = [];
let sendFails = false;
let lanes: Lanes<string, { id: string }>;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  sent = [];
  sendFails = false;
  const send = async (batch: SentBatch) => {
    sent.push(batch);
    if (sendFails) throw new Error('the queue does not answer');
  };
  lanes = new Lanes({ gatewayId: 'this gateway', count: 1, send, log: createLog('test', 'silent') });
});

const push = (command: string, expiresAtMs = Date.now() + MINUTE_MS) => lanes.push('a room', command, expiresAtMs);
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
  const late = push('b', Date.now() + 1_000);
  const next = push('c');
  mock.timers.tick(1_200);
  reply(batch(0));
  assert.deepEqual(await late, { code: 'expired' });
  assert.deepEqual(commandsSent(), [['a'], ['c']]);
  reply(batch(1));
  assert.deepEqual(await Promise.all([first, next]), [{ id: 'a' }, { id: 'c' }]);
});

test('a lane with 10,000 waiting commands refuses the next command, and a batch has at most 500 commands', async () => {
  void push('first');
  const waiting = Array.from({ length: 10_000 }, (_, index) => push(`${index}`));
  assert.deepEqual(await push('one too many'), { code: 'busy' });
  while (lanes.pending > 0) reply(batch(-1));
  assert.equal((await Promise.all(waiting)).length, 10_000);
  assert.deepEqual([...new Set(sent.slice(1).map(({ commands }) => commands.length))], [500]);
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
