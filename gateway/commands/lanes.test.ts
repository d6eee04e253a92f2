import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import type { Batch } from '../../shared/contract/jobs.ts';
import { createLog } from '../../shared/log.ts';
import { Lanes } from './lanes.ts';

type Sent = Batch<string>;

const MINUTE = 60_000;
let sent: Sent[] = [];
let failing = false;
let lanes: Lanes<string, { id: string }>;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  sent = [];
  failing = false;
  const send = async (batch: Sent) => {
    sent.push(batch);
    if (failing) throw new Error('the queue is away');
  };
  lanes = new Lanes({ gateway: 'here', count: 1, send, log: createLog('test', 'silent') });
});

const push = (command: string, expires = Date.now() + MINUTE) => lanes.push('a room', command, expires);
const reply = ({ lane, number, commands }: Sent) =>
  lanes.settle(
    lane,
    number,
    commands.map((id) => ({ id })),
  );
const commandsSent = () => sent.map(({ commands }) => commands);

test('one batch is in flight; what comes meanwhile travels together in the next', async () => {
  const outcomes = ['a', 'b', 'c'].map((command) => push(command));
  assert.deepEqual(commandsSent(), [['a']]);
  reply(sent[0] as Sent);
  assert.deepEqual(commandsSent(), [['a'], ['b', 'c']]);
  reply(sent[1] as Sent);
  assert.deepEqual(await Promise.all(outcomes), [{ id: 'a' }, { id: 'b' }, { id: 'c' }]);
  assert.equal(lanes.open, 0);
});

test('without a reply the same batch is sent again, and a second reply changes nothing', async () => {
  const outcome = push('a');
  void push('b');
  mock.timers.tick(1_500);
  assert.deepEqual(sent[1], sent[0]);
  reply(sent[0] as Sent);
  assert.deepEqual(await outcome, { id: 'a' });
  reply(sent[1] as Sent);
  assert.deepEqual(commandsSent(), [['a'], ['a'], ['b']]);
  assert.equal(lanes.open, 1);
});

test('a batch that could not be sent is tried again soon', async () => {
  failing = true;
  const outcome = push('a');
  await tick();
  failing = false;
  mock.timers.tick(250);
  assert.deepEqual(commandsSent(), [['a'], ['a']]);
  reply(sent[1] as Sent);
  assert.deepEqual(await outcome, { id: 'a' });
});

test('after fifteen seconds without a reply the outcome is unknown, and the lane goes on', async () => {
  const outcome = push('a');
  const next = push('b');
  for (let second = 0; second < 16; second++) mock.timers.tick(1_000);
  assert.deepEqual(await outcome, { code: 'unknown_outcome' });
  assert.deepEqual(sent.at(-1)?.commands, ['b']);
  reply(sent.at(-1) as Sent);
  assert.deepEqual(await next, { id: 'b' });
});

test('a command that waited too long is refused and never sent', async () => {
  const first = push('a');
  const late = push('b', Date.now() + 1_000);
  const next = push('c');
  mock.timers.tick(1_200);
  reply(sent[0] as Sent);
  assert.deepEqual(await late, { code: 'expired' });
  assert.deepEqual(commandsSent(), [['a'], ['c']]);
  reply(sent[1] as Sent);
  assert.deepEqual(await Promise.all([first, next]), [{ id: 'a' }, { id: 'c' }]);
});

test('a full lane refuses at once, and batches stay bounded', async () => {
  void push('first');
  const waiting = Array.from({ length: 10_000 }, (_, index) => push(`${index}`));
  assert.deepEqual(await push('too much'), { code: 'busy' });
  while (lanes.open > 0) reply(sent.at(-1) as Sent);
  assert.equal((await Promise.all(waiting)).length, 10_000);
  assert.deepEqual([...new Set(sent.slice(1).map(({ commands }) => commands.length))], [500]);
});
