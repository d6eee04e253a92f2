import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { connectDatabase } from '../shared/database.ts';
import { openTestDatabase } from '../test/support/system.ts';

const { database, url } = await openTestDatabase();
const json = (value: unknown) => database.json(JSON.parse(JSON.stringify(value)));
const soon = () => new Date(Date.now() + 60_000).toISOString();

interface Outcome {
  code: string | null;
  fresh: boolean;
  seq: number | null;
  id: string | null;
  text: string | null;
}

async function apply(...commands: RoomCommand[]): Promise<Outcome[]> {
  const rows = await database<(Outcome & { commandId: string })[]>`
    select * from apply_room_commands(${json(commands)}, ${newId()}, 1, false)`;
  return commands.map(({ id }) => rows.find(({ commandId }) => commandId === id) as Outcome);
}

async function createUser(firstName = 'Tester', roles = ['user']): Promise<string> {
  const id = newId();
  await database`
    insert into users (id, first_name, last_name, email, password_hash, roles)
    values (${id}, ${firstName}, 'Testing', ${`${id}@example.com`}, '', string_to_array(${roles.join()}, ','))`;
  await database`insert into memberships (room_id, user_id) select id, ${id} from rooms where owner_id is null`;
  return id;
}

const command = (name: RoomCommand['command'], actorId: string, roomId: string, more: Partial<RoomCommand> = {}) => ({
  id: newId(),
  ref: randomUUID(),
  deadline: soon(),
  command: name,
  actorId,
  roomId,
  targetId: roomId,
  text: 'Hello World!',
  ...more,
});

const createRoom = (ownerId: string, roomType = 'Private') => {
  const roomId = newId();
  return command('CreateRoom', ownerId, roomId, { text: 'a room', roomType });
};

async function roomOf(ownerId: string, roomType?: string): Promise<string> {
  const creation = createRoom(ownerId, roomType);
  const [outcome] = await apply(creation);
  assert.equal(outcome?.code, null);
  return creation.roomId;
}

const seqsOf = async (roomId: string) => {
  const rows = await database`select seq from messages where room_id = ${roomId} order by seq`;
  return rows.map(({ seq }) => seq);
};
const codes = (outcomes: Outcome[]) => outcomes.map(({ code }) => code);

test('commands of a batch take effect in their order, whatever they are', async () => {
  const [ann, bob] = [await createUser('Ann'), await createUser('Bob')];
  const creation = createRoom(ann);
  const room = creation.roomId;
  const bobSays = () => command('CreateMessage', bob, room);
  const outcomes = await apply(
    creation,
    command('CreateMessage', ann, room),
    bobSays(),
    command('AddUser', ann, room, { targetId: bob }),
    bobSays(),
    bobSays(),
    command('RemoveUser', ann, room, { targetId: bob }),
    bobSays(),
  );
  assert.deepEqual(codes(outcomes), [null, null, 'no_such_room', null, null, null, null, 'no_such_room']);
  assert.deepEqual(
    outcomes.map(({ seq }) => seq),
    [1, 2, null, 3, 4, 5, 6, null],
  );
  assert.deepEqual(await seqsOf(room), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([outcomes[3]?.text, outcomes[6]?.text], ['Bob joined the room', 'Bob left the room']);
});

test('a ref has one effect: in one batch, in the next, and with another body it is refused', async () => {
  const ann = await createUser();
  const room = await roomOf(ann);
  const ref = randomUUID();
  const say = (text = 'once') => command('CreateMessage', ann, room, { ref, text });
  const first = await apply(say(), say(), say('other'), command('CreateMessage', ann, room), say());
  assert.deepEqual(codes(first), [null, null, 'ref_reused', null, null]);
  assert.deepEqual(
    first.map(({ seq }) => seq),
    [2, 2, null, 3, 2],
  );
  assert.deepEqual(
    first.map(({ fresh }) => fresh),
    [true, false, false, true, false],
  );
  const second = await apply(say(), command('AddUser', ann, room, { ref, targetId: ann }));
  assert.deepEqual(codes(second), [null, 'ref_reused']);
  assert.equal(second[0]?.id, first[0]?.id);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('one ref of a CreateRoom makes one room, though each try brings a new id', async () => {
  const ann = await createUser();
  const ref = randomUUID();
  const tries = await Promise.all(Array.from({ length: 8 }, () => apply({ ...createRoom(ann), ref })));
  const ids = new Set(tries.flat().map(({ id }) => id));
  assert.deepEqual([...new Set(codes(tries.flat()))], [null]);
  assert.equal(ids.size, 1);
  const rooms = await database`select from rooms where owner_id = ${ann}`;
  assert.equal(rooms.length, 1);
});

test('a command past its deadline is refused, but answered if it was applied before', async () => {
  const ann = await createUser();
  const room = await roomOf(ann);
  const deadline = new Date(Date.now() - 1_000).toISOString();
  const known = command('CreateMessage', ann, room);
  await apply(known);
  const outcomes = await apply(
    command('CreateMessage', ann, room, { deadline }),
    { ...known, deadline },
    command('AddUser', ann, room, { deadline, targetId: await createUser() }),
    { ...createRoom(ann), deadline },
  );
  assert.deepEqual(codes(outcomes), ['expired', null, 'expired', 'expired']);
});

test('who may not is refused, and nothing is stored', async () => {
  const [ann, bob, cyd] = [await createUser(), await createUser(), await createUser()];
  const [privateRoom, publicRoom] = [await roomOf(ann), await roomOf(ann, 'Public')];
  const [general] = await database`select id from rooms where name = 'general'`;
  const [news] = await database`select id from rooms where name = 'announcements'`;
  const add = (actor: string, room: string, targetId: string) => command('AddUser', actor, room, { targetId });
  const remove = (actor: string, room: string, targetId: string) => command('RemoveUser', actor, room, { targetId });
  await apply(add(ann, privateRoom, bob));
  const cases: [RoomCommand, string][] = [
    [command('CreateMessage', cyd, privateRoom), 'no_such_room'],
    [command('CreateMessage', cyd, newId()), 'no_such_room'],
    [command('CreateMessage', cyd, publicRoom), 'not_a_member'],
    [command('CreateMessage', ann, news?.id), 'read_only_room'],
    [add(cyd, privateRoom, cyd), 'no_such_room'],
    [add(bob, privateRoom, cyd), 'owner_only'],
    [add(bob, publicRoom, cyd), 'owner_only'],
    [add(ann, privateRoom, newId()), 'no_such_user'],
    [add(ann, privateRoom, bob), 'already_in_room'],
    [add(ann, general?.id, bob), 'everyones_room'],
    [remove(ann, general?.id, ann), 'everyones_room'],
    [remove(bob, privateRoom, ann), 'owner_only'],
    [remove(ann, privateRoom, ann), 'owner_stays'],
    [remove(ann, privateRoom, cyd), 'user_not_in_room'],
    [remove(cyd, privateRoom, bob), 'no_such_room'],
    [createRoom(newId()), 'no_such_user'],
  ];
  const outcomes = await apply(...cases.map(([each]) => each));
  assert.deepEqual(
    codes(outcomes),
    cases.map(([, code]) => code),
  );
  assert.deepEqual([await seqsOf(privateRoom), await seqsOf(publicRoom), await seqsOf(news?.id)], [[1, 2], [1], []]);
});

test('who may, may: an admin announces, anyone joins a public room and leaves it', async () => {
  const [ann, root] = [await createUser(), await createUser('Root', ['user', 'admin'])];
  const [news] = await database`select id from rooms where name = 'announcements'`;
  const room = await roomOf(root, 'Public');
  const outcomes = await apply(
    command('CreateMessage', root, news?.id),
    command('AddUser', ann, room, { targetId: ann }),
    command('CreateMessage', ann, room),
    command('RemoveUser', ann, room, { targetId: ann }),
  );
  assert.deepEqual(codes(outcomes), [null, null, null, null]);
});

test('batches over the same rooms at the same time leave each room 1..n, and no two wait for each other', async () => {
  const ann = await createUser();
  const rooms = await Promise.all(Array.from({ length: 5 }, () => roomOf(ann)));
  const batches = Array.from({ length: 40 }, (_, index) => {
    const order = index % 2 ? rooms : rooms.toReversed();
    return order.flatMap((room) => [command('CreateMessage', ann, room), command('CreateMessage', ann, room)]);
  });
  const outcomes = await Promise.all(batches.map((batch) => apply(...batch)));
  assert.deepEqual([...new Set(codes(outcomes.flat()))], [null]);
  const expected = Array.from({ length: 81 }, (_, index) => index + 1);
  for (const room of rooms) assert.deepEqual(await seqsOf(room), expected);
});

test('look-ups keep to their indexes, however small the tables were when the plan was made', async () => {
  const ann = await createUser();
  const room = await roomOf(ann);
  // So small, Postgres would rather read them whole.
  await database.unsafe('analyze');
  // One session, for each keeps its plans, and counts its scans, by itself.
  const session = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  const scans = async () => {
    await session.unsafe('select pg_stat_force_next_flush()');
    const rows = await session`
      select relname, seq_scan from pg_stat_user_tables where relname in ('messages', 'memberships', 'users', 'rooms')`;
    return Object.fromEntries(rows.map(({ relname, seqScan }) => [relname, seqScan]));
  };
  const before = await scans();
  for (let count = 0; count < 20; count++) {
    const batch = [command('CreateMessage', ann, room), createRoom(ann)];
    await session`select * from apply_room_commands(${session.json(batch)}, ${room}, ${count}, false)`;
  }
  assert.deepEqual(await scans(), before);
  await session.end();
});

test('a copy of a batch, or of an earlier one, changes nothing: what was refused stays refused', async () => {
  const [ann, bob] = [await createUser(), await createUser()];
  const room = await roomOf(ann);
  const send = async (number: number, ...commands: RoomCommand[]) => {
    const rows = await database<Outcome[]>`
      select * from apply_room_commands(${json(commands)}, ${room}, ${number}, false)`;
    return codes(rows);
  };
  const add = command('AddUser', ann, room, { targetId: bob });
  const say = command('CreateMessage', bob, room);
  assert.deepEqual(await send(1, say, add), ['no_such_room', null]);
  assert.deepEqual(await send(1, say, add), ['expired', null]);
  assert.deepEqual(await send(2, command('RemoveUser', ann, room, { targetId: bob })), [null]);
  assert.deepEqual(await send(1, say, { ...add, ref: randomUUID() }), ['expired', 'expired']);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('singly, a command that cannot be applied takes none of its neighbours with it', async () => {
  const ann = await createUser();
  const room = await roomOf(ann);
  const say = () => command('CreateMessage', ann, room);
  const poison = [{ ...say(), deadline: 'never' }, command('Shout' as RoomCommand['command'], ann, room)];
  const batch = json([say(), ...poison, say()]);
  await assert.rejects(database`select * from apply_room_commands(${batch}, ${room}, 1, false)`);
  const rows = await database<Outcome[]>`select * from apply_room_commands(${batch}, ${room}, 1, true)`;
  assert.deepEqual(codes([...rows]), [null, 'internal', 'internal', null]);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});
