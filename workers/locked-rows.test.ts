import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { connectDatabase } from '../shared/database.ts';
import { createRoomCommand, roomCommand, roomCommands, workerContext } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { isLaneAtWork } from './in-turn.ts';
import { LOCK_TIMEOUT_MS } from './lock-timeout.ts';

const { database, url } = await openTestDatabase();
const { createUser, createRoom } = roomCommands(database);
const open = (name: string, max: number, settings = {}) => {
  const pool = connectDatabase(url, { name, max, readOnly: false, timeout: 0, settings });
  after(() => pool.end());
  return pool;
};
const worker = open('rooms-workers', 4, { lock_timeout: LOCK_TIMEOUT_MS });
const context = workerContext(worker);
/** A person who leaves a transaction open. */
const person = open('rooms-test', 1);
const otherWorker = open('rooms-workers', 1);

const batchOf = (commands: RoomCommand[], number = 0) =>
  ({ v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number, commands }) as const;
const codesOf = async (commands: RoomCommand[], laneKey = newId()) => {
  const { outcomes } = await applyRoomCommands(context, laneKey, batchOf(commands));
  return outcomes.map((outcome) => ('code' in outcome ? outcome.code : null));
};
const deadline = () => new Date(Date.now() + 10_000).toISOString();
const write = (actorId: string, roomId: string) =>
  roomCommand('CreateMessage', actorId, roomId, { deadline: deadline() });
const isStored = async ({ id }: RoomCommand) => (await database`select from messages where id = ${id}`).length > 0;

test('commands to a locked room are refused as busy, the other commands of the batch are applied', async () => {
  const ann = await createUser();
  const [free, locked, last] = [await createRoom(ann), await createRoom(ann), 'general'];
  const laneKey = newId();
  const batch = [write(ann, free), write(ann, locked), write(ann, last), write(ann, locked), write(ann, free)];
  await person`begin`;
  await person`select from rooms where id = ${locked} for update`;
  const expected = [null, 'busy', null, 'busy', null];
  assert.deepEqual(await codesOf(batch, laneKey), expected);
  assert.deepEqual(await codesOf([write(ann, locked)]), ['busy'], 'a later batch');
  await person`commit`;
  assert.deepEqual(await codesOf(batch, laneKey), expected, 'a copy of the batch');
  assert.deepEqual(await codesOf(batch), expected, 'the same commands from another gateway');
  assert.deepEqual(await Promise.all(batch.map(isStored)), [true, false, true, false, true]);
  assert.deepEqual(await codesOf([write(ann, locked)]), [null]);
});

test('commands that need a locked user are refused as busy', async () => {
  const [ann, bob, cyd] = [await createUser(), await createUser(), await createUser()];
  const room = await createRoom(ann);
  const add = (targetId: string) => roomCommand('AddUser', ann, room, { targetId, deadline: deadline() });
  await person`begin`;
  await person`select from users where id = ${bob} for update`;
  const batch = [add(bob), createRoomCommand(bob), write(bob, 'general'), add(cyd), createRoomCommand(ann)];
  assert.deepEqual(await codesOf(batch), ['busy', 'busy', null, null, null]);
  await person`commit`;
  assert.deepEqual(await codesOf([add(bob)]), [null]);
});

test('a command that needs another locked row is refused as busy, the other commands are applied', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const target = write(ann, room);
  assert.deepEqual(await codesOf([target]), [null]);
  const edit = roomCommand('UpdateMessage', ann, room, { targetId: target.id, deadline: deadline() });
  await person`begin`;
  await person`select from messages where id = ${target.id} for update`;
  assert.deepEqual(await codesOf([write(ann, room), edit, write(ann, room)]), [null, 'busy', null]);
  await person`commit`;
  assert.deepEqual(await isStored(edit), false);
});

test('a row that a worker has locked is foreign only after some seconds', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const locks = () => context.lockedRows.find(worker, [write(ann, room)]);
  assert.deepEqual(await locks(), { foreign: [], isContended: false });
  await otherWorker`begin`;
  await otherWorker`select from rooms where id = ${room} for no key update`;
  assert.deepEqual(await locks(), { foreign: [], isContended: true });
  await until(async () => (await locks()).foreign.length === 1);
  await otherWorker`commit`;
  assert.deepEqual(await locks(), { foreign: [], isContended: false });
});

for (const command of ['CreateMessage', 'UpdateRoom'] as const) {
  test(`${command}: the first statement of a batch waits less for a row than lock_timeout`, async () => {
    const ann = await createUser();
    const room = await createRoom(ann);
    const patient = workerContext(open('rooms-workers', 1));
    await person`begin`;
    await person`select from rooms where id = ${room} for update`;
    const batch = batchOf([roomCommand(command, ann, room, { deadline: deadline() })]);
    const { outcomes } = await applyRoomCommands(patient, newId(), batch);
    assert.deepEqual(outcomes, [{ code: 'busy' }]);
    await person`commit`;
  });

  test(`${command}: a copy of a batch ends at once while its lane is at work`, async () => {
    const ann = await createUser();
    const batch = batchOf([roomCommand(command, ann, await createRoom(ann))]);
    const laneKey = newId();
    await applyRoomCommands(context, laneKey, batch);
    await person`begin`;
    await person`select from lanes where lane_key = ${laneKey} for update`;
    await assert.rejects(applyRoomCommands(context, laneKey, batch), (error) => isLaneAtWork(error));
    await person`commit`;
    assert.equal((await applyRoomCommands(context, laneKey, batch)).outcomes.length, 1);
  });
}

test('a batch for 100 of 3,000 rooms reads few other rooms, also with plans from the time of an empty database', async () => {
  const session = open('rooms-workers', 1);
  const ann = await createUser();
  const apply = (rooms: string[]) =>
    applyRoomCommands(
      workerContext(session),
      newId(),
      batchOf([...rooms.map((room) => write(ann, room)), roomCommand('UpdateRoom', ann, rooms[0] as string)]),
    );
  await apply([await createRoom(ann)]);
  const rows = await database<{ id: string }[]>`
    insert into rooms (id, name, owner_id, room_type)
    select gen_random_uuid(), 'one of many', ${ann}, 'Private' from generate_series(1, 3000) returning id`;
  await database`
    insert into memberships (room_id, user_id, seq) select id, owner_id, 1 from rooms where name = 'one of many'`;
  const countRead = async () => {
    await session`select pg_stat_force_next_flush()`;
    const [row] = await session<{ count: number }[]>`
      select sum(idx_tup_read)::int as count from pg_stat_user_indexes where relname = 'rooms'`;
    return row?.count as number;
  };
  const before = await countRead();
  const { outcomes } = await apply(rows.slice(0, 100).map(({ id }) => id));
  const read = (await countRead()) - before;
  assert.ok(outcomes.every((outcome) => !('code' in outcome)));
  // Each room is looked up to lock it, to check it, and to count its messages.
  assert.ok(read >= 200 && read <= 1000, `${read} rows of rooms were read`);
});
