import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { newId } from '../shared/contract/ids.ts';
import type { Batch, RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { connectDatabase } from '../shared/database.ts';
import { TcpProxy } from '../shared/local/tcp-proxy.ts';
import { roomCommand, roomCommands, workerContext } from '../test/support/sql-room-commands.ts';
import { openTestDatabase, testServices } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { type AppliedRoomCommands, applyRoomCommands } from './apply-room-commands.ts';
import { applyCarefully, needsCare } from './careful-batch.ts';
import { isEarly, isLaneAtWork } from './in-turn.ts';
import { LOCK_TIMEOUT_MS } from './lock-timeout.ts';

const { database, url } = await openTestDatabase();
const { createUser, createRoom, seqsOf } = roomCommands(database);
const connect = () => {
  const redis = new Redis(testServices().redisUrl);
  after(() => redis.disconnect());
  return redis;
};
const redis = connect();
const context = { ...workerContext(database), redis, prefix: `rooms-${newId()}` };

/** A batch of one room that was sent before, and a lane that nobody else uses. */
async function createScene(commands: number) {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const deadline = new Date(Date.now() + 10_000).toISOString();
  const batch: Batch<RoomCommand> = {
    ...{ v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number: 7, copy: 1 },
    commands: Array.from({ length: commands }, () => roomCommand('CreateMessage', ann, roomId, { deadline })),
  };
  const laneKey = newId();
  const published: AppliedRoomCommands[] = [];
  const publishPart = async (part: AppliedRoomCommands) => void published.push(part);
  const marks = `${context.prefix}:careful:${laneKey}:7`;
  return {
    ...{ roomId, batch, laneKey, published, marks },
    applyCarefully: (by = context) => applyCarefully(by, laneKey, batch, publishPart),
    /** The first sending, whose worker wakes up late. */
    applyWhole: async () => (await applyRoomCommands(context, laneKey, batch)).outcomes,
  };
}

const seqs = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
const shortly = (outcomes: object[] | undefined) =>
  outcomes?.map((outcome) => ('seq' in outcome ? outcome.seq : 'code' in outcome && outcome.code));

for (const commands of [1, 5, 7, 150]) {
  test(`a careful batch of ${commands} commands is applied in order, and a late first sending gets its outcomes`, async () => {
    const scene = await createScene(commands);
    assert.equal(await needsCare(context, scene.laneKey, scene.batch), true);
    const outcomes = await scene.applyCarefully();
    assert.deepEqual(shortly(outcomes), seqs(2, commands));
    const messages = scene.published.flatMap(({ newMessages }) => newMessages);
    assert.deepEqual(
      messages.map(({ seq }) => seq),
      seqs(2, commands),
    );
    assert.equal(await needsCare(context, scene.laneKey, scene.batch), false);
    assert.deepEqual(await scene.applyWhole(), outcomes);
    assert.deepEqual(await seqsOf(scene.roomId), seqs(1, commands + 1));
    assert.equal(await redis.exists(scene.marks, `${scene.marks}:turn`), 0);
    const lanes = await database`select from lanes where starts_with(lane_key, ${scene.laneKey})`;
    assert.equal(lanes.length, 1);
  });
}

test('a command that was alone in a part when its worker died is refused, and all other commands are applied', async () => {
  const scene = await createScene(5);
  await redis.hset(scene.marks, '2-3', '');
  assert.deepEqual(shortly(await scene.applyCarefully()), [2, 3, 'internal', 4, 5]);
  assert.deepEqual(shortly(await scene.applyWhole()), [2, 3, 'internal', 4, 5]);
});

test('a refused command is sent to Postgres without its text, because the text may be deadly for what reads it', async () => {
  const scene = await createScene(1);
  const [command] = scene.batch.commands as [RoomCommand];
  command.text = 'a deadly text';
  await redis.hset(scene.marks, '0-1', '');
  const proxy = await TcpProxy.open(url);
  let sent = '';
  proxy.onRequest = (bytes) => {
    sent += bytes.toString('utf8');
    return bytes;
  };
  const seen = connectDatabase(proxy.url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(async () => {
    await seen.end();
    await proxy.close();
  });
  assert.deepEqual(shortly(await scene.applyCarefully({ ...context, database: seen })), ['internal']);
  assert.ok(sent.includes(command.ref) && !sent.includes(command.text));
});

test('if a worker died in a larger part, the commands of this part are applied one by one', async () => {
  const scene = await createScene(100);
  await redis.hset(scene.marks, '20-40', '');
  await scene.applyCarefully();
  assert.deepEqual(
    scene.published.map(({ newMessages }) => newMessages.length),
    [20, ...seqs(0, 20).map(() => 1), 20, 20, 20],
  );
});

test('a command that was applied before its worker died keeps its outcome', async () => {
  const scene = await createScene(3);
  const [first] = scene.batch.commands as [RoomCommand];
  await applyRoomCommands(context, newId(), { ...scene.batch, commands: [first] });
  await redis.hset(scene.marks, '0-1', '');
  assert.deepEqual(shortly(await scene.applyCarefully()), [2, 3, 4]);
});

test('a second worker leaves a careful batch to the first, and continues it after the first has died', async () => {
  const scene = await createScene(3);
  const dying = connect();
  const { promise: isStopped, resolve: onStopped } = Promise.withResolvers<void>();
  const stopping = { ...context, redis: dying };
  const first = applyCarefully(stopping, scene.laneKey, scene.batch, () => {
    onStopped();
    return new Promise(() => undefined);
  });
  first.catch(() => 'the worker has died');
  await isStopped;
  assert.equal(await scene.applyCarefully(), undefined);
  const id = await dying.client('ID');
  dying.disconnect();
  await until(async () => !String(await redis.client('LIST', 'ID', id)).includes('id='));
  // The first command was applied, but not published.
  assert.deepEqual(shortly(await scene.applyCarefully()), [2, 3, 4]);
  assert.deepEqual([scene.published[0]?.newMessages, scene.published[0]?.earlierMessages.length], [[], 1]);
});

test('a copy needs no care if it is the first sending, and waits for its turn in the lane', async () => {
  const { batch, laneKey } = await createScene(1);
  const { copy: _, ...firstSending } = batch;
  assert.equal(await needsCare(context, laneKey, firstSending), false);
  const second = { ...batch, follows: 6 };
  await assert.rejects(needsCare(context, laneKey, second), (error) => isEarly(error));
  await applyRoomCommands(context, laneKey, { ...batch, number: 6 });
  assert.equal(await needsCare(context, laneKey, second), true);
  const session = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(() => session.end());
  await session`begin`;
  await session`select from lanes where lane_key = ${laneKey} for update`;
  const settings = { lock_timeout: LOCK_TIMEOUT_MS };
  const worker = connectDatabase(url, { name: 'rooms-workers', max: 1, readOnly: false, timeout: 0, settings });
  after(() => worker.end());
  await assert.rejects(needsCare(workerContext(worker), laneKey, second), (error) => isLaneAtWork(error));
});
