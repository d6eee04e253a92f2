import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { connectDatabase } from '../shared/database.ts';
import {
  aSecondAgo,
  codesOf,
  roomCommand as command,
  createdRoomId,
  createRoomCommand,
  roomCommands,
  seqsOfOutcomes,
} from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';

const { database, url } = await openTestDatabase();
const { apply, applyBatch, createUser, createRoom, seqsOf } = roomCommands(database);

test('the commands of a batch take effect in their order', async () => {
  const [ann, bob] = [await createUser('Ann'), await createUser('Bob')];
  const creation = createRoomCommand(ann);
  const room = creation.roomId;
  const fromBob = () => command('CreateMessage', bob, room);
  const outcomes = await apply(
    creation,
    command('CreateMessage', ann, room),
    fromBob(),
    command('AddUser', ann, room, { targetId: bob }),
    fromBob(),
    fromBob(),
    command('RemoveUser', ann, room, { targetId: bob }),
    fromBob(),
  );
  assert.deepEqual(codesOf(outcomes), [null, null, 'no_such_room', null, null, null, null, 'no_such_room']);
  assert.deepEqual(seqsOfOutcomes(outcomes), [1, 2, null, 3, 4, 5, 6, null]);
  assert.deepEqual(await seqsOf(room), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(
    [outcomes[3]?.message?.text, outcomes[6]?.message?.text],
    ['Bob joined the room', 'Bob left the room'],
  );
});

test('a ref has one effect, in one batch and in several batches, and another command with this ref is refused', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const ref = randomUUID();
  const write = (text = 'once') => command('CreateMessage', ann, room, { ref, text });
  const first = await apply(write(), write(), write('other'), command('CreateMessage', ann, room), write());
  assert.deepEqual(codesOf(first), [null, null, 'ref_reused', null, null]);
  assert.deepEqual(seqsOfOutcomes(first), [2, 2, null, 3, 2]);
  assert.deepEqual(
    first.map(({ isNew }) => isNew),
    [true, false, false, true, false],
  );
  const second = await apply(write(), command('AddUser', ann, room, { ref, targetId: ann }));
  assert.deepEqual(codesOf(second), [null, 'ref_reused']);
  assert.equal(second[0]?.message?.id, first[0]?.message?.id);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('the same ref in two rooms is the ref of two commands', async () => {
  const ann = await createUser();
  const [first, second] = [await createRoom(ann), await createRoom(ann)];
  const ref = randomUUID();
  const write = (room: string) => command('CreateMessage', ann, room, { ref });
  const outcomes = await apply(write(first), write(second), { ...createRoomCommand(ann), ref }, write(first));
  assert.deepEqual(codesOf(outcomes), [null, null, null, null]);
  assert.deepEqual(seqsOfOutcomes(outcomes), [2, 2, 1, 2]);
  assert.equal(outcomes[2]?.message?.room_id, createdRoomId(ann, ref));
});

test('eight CreateRoom commands with the same ref and different room ids create one room', async () => {
  const ann = await createUser();
  const ref = randomUUID();
  const attempts = await Promise.all(Array.from({ length: 8 }, () => apply({ ...createRoomCommand(ann), ref })));
  const ids = new Set(attempts.flat().map(({ message }) => message?.id));
  assert.deepEqual([...new Set(codesOf(attempts.flat()))], [null]);
  assert.equal(ids.size, 1);
  const rooms = await database`select from rooms where owner_id = ${ann}`;
  assert.equal(rooms.length, 1);
});

test('a command after its deadline is refused, but a copy of an applied command gets its first outcome', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const deadline = aSecondAgo();
  const known = command('CreateMessage', ann, room);
  await apply(known);
  const outcomes = await apply(
    command('CreateMessage', ann, room, { deadline }),
    { ...known, deadline },
    command('AddUser', ann, room, { deadline, targetId: await createUser() }),
    { ...createRoomCommand(ann), deadline },
  );
  assert.deepEqual(codesOf(outcomes), ['expired', null, 'expired', 'expired']);
});

test('a command is refused and stores nothing if the actor has no right to it', async () => {
  const [ann, bob, cyd] = [await createUser(), await createUser(), await createUser()];
  const [privateRoom, publicRoom] = [await createRoom(ann), await createRoom(ann, 'Public')];
  const add = (actor: string, room: string, targetId: string) => command('AddUser', actor, room, { targetId });
  const remove = (actor: string, room: string, targetId: string) => command('RemoveUser', actor, room, { targetId });
  await apply(add(ann, privateRoom, bob));
  const cases: [RoomCommand, string][] = [
    [command('CreateMessage', cyd, privateRoom), 'no_such_room'],
    [command('CreateMessage', cyd, newId()), 'no_such_room'],
    [command('CreateMessage', cyd, publicRoom), 'not_a_member'],
    [command('CreateMessage', ann, 'announcements'), 'read_only_room'],
    [add(cyd, privateRoom, cyd), 'no_such_room'],
    [add(bob, privateRoom, cyd), 'owner_only'],
    [add(bob, publicRoom, cyd), 'owner_only'],
    [add(ann, privateRoom, newId()), 'no_such_user'],
    [add(ann, privateRoom, bob), 'already_in_room'],
    [add(ann, 'general', bob), 'everyones_room'],
    [remove(ann, 'general', ann), 'everyones_room'],
    [remove(bob, privateRoom, ann), 'owner_only'],
    [remove(ann, privateRoom, ann), 'owner_stays'],
    [remove(ann, privateRoom, cyd), 'user_not_in_room'],
    [remove(cyd, privateRoom, bob), 'no_such_room'],
    [createRoomCommand(newId()), 'no_such_user'],
  ];
  const outcomes = await apply(...cases.map(([each]) => each));
  assert.deepEqual(
    codesOf(outcomes),
    cases.map(([, code]) => code),
  );
  assert.deepEqual(
    [await seqsOf(privateRoom), await seqsOf(publicRoom), await seqsOf('announcements')],
    [[1, 2], [1], []],
  );
});

test('an admin writes in announcements, and any user may join a public room, write in the room and leave it', async () => {
  const [ann, root] = [await createUser(), await createUser('Root', ['user', 'admin'])];
  const room = await createRoom(root, 'Public');
  const outcomes = await apply(
    command('CreateMessage', root, 'announcements'),
    command('AddUser', ann, room, { targetId: ann }),
    command('CreateMessage', ann, room),
    command('RemoveUser', ann, room, { targetId: ann }),
  );
  assert.deepEqual(codesOf(outcomes), [null, null, null, null]);
});

test('forty batches for the same rooms at the same time give each room the seqs 1 to n, without a deadlock', async () => {
  const ann = await createUser();
  const rooms = await Promise.all(Array.from({ length: 5 }, () => createRoom(ann)));
  const batches = Array.from({ length: 40 }, (_, index) => {
    const order = index % 2 ? rooms : rooms.toReversed();
    return order.flatMap((room) => [command('CreateMessage', ann, room), command('CreateMessage', ann, room)]);
  });
  const outcomes = await Promise.all(batches.map((batch) => apply(...batch)));
  assert.deepEqual([...new Set(codesOf(outcomes.flat()))], [null]);
  const expected = Array.from({ length: 81 }, (_, index) => index + 1);
  for (const room of rooms) assert.deepEqual(await seqsOf(room), expected);
});

test('every look-up uses an index, even if the tables were small when Postgres made the plan', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  // For tables of this size, Postgres prefers to read the whole table.
  await database.unsafe('analyze');
  // A connection keeps its own plans and counts its own scans.
  const connection = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  const scans = async () => {
    await connection.unsafe('select pg_stat_force_next_flush()');
    const rows = await connection`
      select relname, seq_scan from pg_stat_user_tables where relname in ('messages', 'memberships', 'users', 'rooms')`;
    return Object.fromEntries(rows.map(({ relname, seqScan }) => [relname, seqScan]));
  };
  // An index of a table with updated rows is not used before all older transactions of the server have ended. These may
  // be transactions of tests with other databases.
  const unusable = () => connection`
    select from pg_index where indcheckxmin and xmin::text::bigint >= pg_snapshot_xmin(pg_current_snapshot())::text::bigint`;
  await until(async () => (await unusable()).length === 0);
  const before = await scans();
  for (let count = 0; count < 20; count++) {
    const message = command('CreateMessage', ann, room);
    const edit = command('UpdateMessage', ann, room, { targetId: message.id });
    await roomCommands(connection).applyBatch(room, 2 * count, [message, createRoomCommand(ann), edit]);
    const messages = [command('CreateMessage', ann, room), command('CreateMessage', ann, 'general')];
    const created = await roomCommands(connection).create(messages, room, 2 * count + 1);
    assert.equal(created?.length, 2);
  }
  assert.deepEqual(await scans(), before);
  await connection.end();
});

test('a copy of a batch changes nothing and gets its first outcomes, so a refused command stays refused', async () => {
  const [ann, bob] = [await createUser(), await createUser()];
  const room = await createRoom(ann);
  const send = async (number: number, ...commands: RoomCommand[]) => codesOf(await applyBatch(room, number, commands));
  const deadline = new Date(Date.now() + 10_000).toISOString();
  const add = command('AddUser', ann, room, { targetId: bob, deadline });
  const write = command('CreateMessage', bob, room, { deadline });
  assert.deepEqual(await send(1, write, add), ['no_such_room', null]);
  assert.deepEqual(await send(1, write, add), ['no_such_room', null], 'a copy of the newest batch');
  const late = { deadline: aSecondAgo() };
  assert.deepEqual(await send(1, { ...write, ...late }, { ...add, ...late }), ['no_such_room', null]);
  assert.deepEqual(await send(2, command('RemoveUser', ann, room, { targetId: bob })), [null]);
  assert.deepEqual(await send(1, write, { ...add, ref: randomUUID() }), ['no_such_room', 'expired']);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('if a batch is applied one by one, a command that fails does not stop the other commands', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const write = () => command('CreateMessage', ann, room);
  const broken = [{ ...write(), deadline: 'never' }, command('Shout' as RoomCommand['command'], ann, room)];
  const batch = [write(), ...broken, write()];
  await assert.rejects(applyBatch(room, 1, batch));
  assert.deepEqual(codesOf(await applyBatch(room, 1, batch, { oneByOne: true })), [null, 'internal', 'internal', null]);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('an edited or deleted message has the time of the message that records the change', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const target = command('CreateMessage', ann, room);
  await apply(target);
  for (const name of ['UpdateMessage', 'DeleteMessage'] as const) {
    const event = command(name, ann, room, { targetId: target.id });
    assert.deepEqual(codesOf(await apply(event)), [null]);
    const rows =
      await database`select updated_at, created_at, id from messages where id in (${target.id}, ${event.id})`;
    const stored = new Map(rows.map((row) => [row.id, row]));
    assert.equal(stored.get(target.id)?.updatedAt, stored.get(event.id)?.createdAt, name);
  }
});

test('a worker of release 0.1.0 gets an error', async () => {
  const batch = database.json([]);
  const call = database`select * from apply_room_commands(${batch}, ${newId()}, 1, false)`;
  await assert.rejects(call, { code: '42883' });
  const accounts = database`select * from apply_account_commands(${batch}, ${newId()}, 1, false)`;
  await assert.rejects(accounts, { code: '42883' });
});
