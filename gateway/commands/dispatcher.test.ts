import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import type { Command } from '../../shared/contract/commands.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { Batch, BatchName, RoomCommand } from '../../shared/contract/jobs.ts';
import { createLog } from '../../shared/log.ts';
import { testServices } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';
import { CommandDispatcher } from './dispatcher.ts';

interface Job {
  name: BatchName;
  data: Batch<Partial<RoomCommand> & Pick<RoomCommand, 'id'>>;
}

const OFFSET_MS = 3_600_000;
const toDatabaseTime = (localMs: number) => new Date(performance.timeOrigin + localMs + OFFSET_MS).toISOString();
const clock = { toDatabaseTime, stop: () => undefined };
const prefix = `rooms-${newId()}`;
const actorId = newId();
const { redisUrl } = testServices();
const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
const queues = {
  persistence: new Queue('persistence', { connection, prefix }),
  'role-changes': new Queue('role-changes', { connection, prefix }),
};
let dispatcher: CommandDispatcher;
let jobs: Job[];
let ignored: number;

/** Workers that take real jobs. The first `ignored` jobs get no reply, and every other job gets a reply. */
const workers = Object.keys(queues).map(
  (queue) => new Worker<Job['data'], void, BatchName>(queue, async (job) => receive(job), { connection, prefix }),
);
after(async () => {
  await Promise.all(workers.map((worker) => worker.close()));
  await Promise.all(Object.values(queues).map((queue) => queue.close()));
  connection.disconnect();
});

function receive({ name, data }: Job): void {
  jobs.push({ name, data });
  if (jobs.length <= ignored) return;
  const outcomes = data.commands.map(({ id, roomId }) => ({ id, roomId, seq: jobs.length }));
  dispatcher.complete({ job: name, lane: data.lane, number: data.number, outcomes });
}

beforeEach(() => {
  jobs = [];
  ignored = 0;
  const log = createLog('test', 'silent');
  dispatcher = new CommandDispatcher({ gatewayId: newId(), laneCount: 4, queues, redis: connection, clock, log });
});

const createMessage = (roomId: string, text: string): Command => ({ command: 'CreateMessage', roomId, text });
const textsOf = (roomId: string) =>
  jobs.flatMap(({ data }) => data.commands.filter((each) => each.roomId === roomId).map(({ text }) => text));

test('the commands of each room reach the workers in order, once, and many commands share one job', async () => {
  const rooms = Array.from({ length: 5 }, newId);
  const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
  const outcomes = texts.flatMap((text) =>
    rooms.map((roomId) => dispatcher.submit(createMessage(roomId, text), actorId)),
  );
  assert.equal(dispatcher.pending, 500);
  const results = await Promise.all(outcomes);
  assert.deepEqual(
    results.filter((result) => 'code' in result),
    [],
  );
  for (const roomId of rooms) assert.deepEqual(textsOf(roomId), texts);
  assert.equal(dispatcher.pending, 0);
  assert.ok(jobs.length <= 8, `${jobs.length} jobs for 500 commands over at most 4 lanes`);
});

test('a batch without a reply is sent again with the same number and the same commands', async () => {
  ignored = 1;
  const outcome = await dispatcher.submit(createMessage(newId(), 'Hello World!'), actorId);
  assert.ok('seq' in outcome);
  assert.equal(jobs.length, 2);
  assert.deepEqual(jobs[1]?.data, { ...jobs[0]?.data, copy: 1 });
});

test('while no worker takes the job, a batch has one job in the queue, however often it is sent again', async (t) => {
  await queues.persistence.pause();
  const outcome = dispatcher.submit(createMessage(newId(), 'Hello World!'), actorId);
  const isWaiting = async () => (await queues.persistence.getWaitingCount()) === 1;
  await until(isWaiting);
  const asking = t.mock.method(queues.persistence, 'getJobState');
  dispatcher.resend();
  await until(() => asking.mock.callCount() === 1);
  assert.equal(await asking.mock.calls[0]?.result, 'waiting');
  assert.ok(await isWaiting());
  await queues.persistence.resume();
  assert.ok('seq' in (await outcome));
  assert.equal(jobs.length, 1);
});

test('a room command contains its actor, its ref and a deadline by the clock of the database', async () => {
  const [roomId, ref] = [newId(), newId()];
  const before = Date.now();
  await dispatcher.submit({ ...createMessage(roomId, 'Hello World!'), ref }, actorId);
  await dispatcher.submit(createMessage(roomId, 'Hello again!'), actorId, { wantsMessage: true });
  const [first, second] = jobs.map(({ data }) => data.commands[0]);
  assert.deepEqual([first?.actorId, first?.ref, first?.wantsMessage], [actorId, ref, undefined]);
  assert.deepEqual([second?.ref, second?.wantsMessage], [second?.id, true]);
  const leftMs = Date.parse(first?.deadline ?? '') - OFFSET_MS - before;
  assert.ok(leftMs >= 10_000 && leftMs < 15_000, `${leftMs} ms`);
});

test('role changes have their own queue, and other account changes use the queue of the room commands', async () => {
  const outcomes = [
    await dispatcher.changeAccount({ command: 'LogoutAll', userId: actorId }),
    await dispatcher.changeAccount({
      ...{ command: 'ChangeRole', userId: actorId, targetId: newId(), role: 'admin', granted: true },
    }),
  ];
  assert.deepEqual(
    jobs.map(({ name, data }) => [name, data.commands[0]?.command]),
    [
      ['apply-account-commands', 'LogoutAll'],
      ['apply-role-changes', 'ChangeRole'],
    ],
  );
  assert.deepEqual(
    outcomes.map((outcome) => 'id' in outcome && outcome.id),
    jobs.map(({ data }) => data.commands[0]?.id),
  );
});

test('a job whose signal was taken by a dead worker is done after the lane has asked for it', async () => {
  await queues.persistence.pause();
  const outcome = dispatcher.submit(createMessage(newId(), 'Hello World!'), actorId);
  await until(async () => (await queues.persistence.getWaitingCount()) === 1);
  // Like a resume, but without the marker that wakes a worker.
  await connection.hdel(queues.persistence.keys.meta as string, 'paused');
  assert.equal(jobs.length, 0);
  assert.ok('seq' in (await outcome));
  assert.equal(jobs.length, 1);
});

test('lanes of account changes and of role changes have one batch in flight', (t) => {
  const added: Job[] = [];
  const add = async (name: BatchName, data: Job['data']) => ({ id: `${added.push({ name, data })}` });
  for (const queue of Object.values(queues)) t.mock.method(queue, 'add', add);
  for (let count = 0; count < 502; count++) {
    void dispatcher.changeAccount({ command: 'LogoutAll', userId: actorId });
    void dispatcher.changeAccount({
      ...{ command: 'ChangeRole', userId: actorId, targetId: newId(), role: 'admin', granted: true },
    });
  }
  assert.equal(added.length, 2);
  for (const { name, data } of added) {
    dispatcher.complete({ job: name, lane: data.lane, number: data.number, outcomes: [] });
  }
  assert.deepEqual(
    added.map(({ name, data }) => [name, data.commands.length]),
    [1, 501].flatMap((length) => [
      ['apply-account-commands', length],
      ['apply-role-changes', length],
    ]),
  );
  assert.equal(dispatcher.pending, 0);
});

test('a reply to another job is ignored, and a missing outcome becomes internal', async () => {
  ignored = 1;
  const outcome = dispatcher.submit(createMessage(newId(), 'Hello World!'), actorId);
  await until(() => jobs.length === 1);
  const { lane, number } = (jobs[0] as Job).data;
  dispatcher.complete({ job: 'apply-account-commands', lane, number, outcomes: [] });
  dispatcher.complete({ job: 'apply-room-commands', lane: 99, number, outcomes: [] });
  assert.equal(dispatcher.pending, 1);
  dispatcher.complete({ job: 'apply-room-commands', lane, number, outcomes: [] });
  assert.deepEqual(await outcome, { code: 'internal' });
});

test('a dispatcher that refuses new commands still gives the others their outcomes', async () => {
  const outcome = dispatcher.submit(createMessage(newId(), 'Hello World!'), actorId);
  dispatcher.refuseNew();
  const unavailable = { code: 'unavailable' };
  assert.deepEqual(await dispatcher.submit(createMessage(newId(), 'too late'), actorId), unavailable);
  assert.deepEqual(await dispatcher.changeAccount({ command: 'LogoutAll', userId: actorId }), unavailable);
  assert.ok('seq' in (await outcome));
  assert.equal(jobs.length, 1);
});
