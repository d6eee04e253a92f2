import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { quotaSettings } from '../shared/quotas.ts';
import { codesOf, createRoomCommand, roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

const { database, url } = await openTestDatabase();
const withoutQuotas = roomCommands(database);
const { createUser } = withoutQuotas;

const settings = quotaSettings({ OWNED_ROOMS_PER_USER: 3, ROOMS_PER_USER: 5, EDITS_PER_MESSAGE: 4 });
const pool = { name: 'rooms-test', max: 8, readOnly: false, timeout: 0, settings };
const limited = connectDatabase(url, pool);
after(() => limited.end());
const { apply, createRoom } = roomCommands(limited);

const add = (ownerId: string, roomId: string, targetId: string) =>
  roomCommand('AddUser', ownerId, roomId, { targetId });
const countOf = (codes: (string | null)[], code: string | null) => codes.filter((each) => each === code).length;

/** Creates a message and edits it `edits` times. @returns the commands in order, the creation first */
function messageWithEdits(actorId: string, roomId: string, edits: number) {
  const creation = roomCommand('CreateMessage', actorId, roomId);
  const edit = (_: unknown, index: number) =>
    roomCommand('UpdateMessage', actorId, roomId, { targetId: creation.id, text: `text ${index}` });
  return [creation, ...Array.from({ length: edits }, edit)] as const;
}

test('a user owns at most OWNED_ROOMS_PER_USER rooms, also with eight batches at the same time', async () => {
  const ann = await createUser();
  const batches = await Promise.all(Array.from({ length: 8 }, () => apply(createRoomCommand(ann))));
  const codes = codesOf(batches.flat());
  assert.deepEqual([countOf(codes, null), countOf(codes, 'too_many_owned_rooms')], [3, 5]);
  const [first] = await database<{ id: string }[]>`select id from rooms where owner_id = ${ann}`;
  const more = await apply(roomCommand('DeleteRoom', ann, first?.id as string), createRoomCommand(ann));
  assert.deepEqual(codesOf(more), [null, null]);
});

test('a user is in at most ROOMS_PER_USER rooms, also if eight owners add the user at the same time', async () => {
  const bob = await createUser();
  const owners = await Promise.all(Array.from({ length: 8 }, () => createUser()));
  const rooms = await Promise.all(owners.map((owner) => createRoom(owner)));
  const batches = await Promise.all(owners.map((owner, index) => apply(add(owner, rooms[index] as string, bob))));
  const codes = codesOf(batches.flat());
  assert.deepEqual([countOf(codes, null), countOf(codes, 'too_many_rooms')], [5, 3]);
  assert.deepEqual(codesOf(await apply(createRoomCommand(bob))), ['too_many_rooms']);
  const [joined] = await database<{ roomId: string }[]>`
    select room_id from memberships where user_id = ${bob} and seq > 0`;
  const leave = roomCommand('RemoveUser', bob, joined?.roomId as string, { targetId: bob });
  assert.deepEqual(codesOf(await apply(leave, createRoomCommand(bob))), [null, null]);
});

test('a message has at most EDITS_PER_MESSAGE edits, and its author can still delete it', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const commands = messageWithEdits(ann, room, 5);
  assert.deepEqual(codesOf(await apply(...commands)), [null, null, null, null, null, 'too_many_edits']);
  const again = await apply(commands[1] ?? commands[0]);
  assert.deepEqual(codesOf(again), [null], 'a copy of an applied edit gets its first outcome');
  const deletion = roomCommand('DeleteMessage', ann, room, { targetId: commands[0].id });
  assert.deepEqual(codesOf(await apply(deletion)), [null]);
});

test('a user over the quotas after an upgrade keeps what the user has, and gets no more', async () => {
  const ann = await createUser();
  const creations = Array.from({ length: 7 }, () => createRoomCommand(ann));
  assert.equal(countOf(codesOf(await withoutQuotas.apply(...creations)), null), 7);
  const room = creations[0]?.roomId as string;
  const write = roomCommand('CreateMessage', ann, room);
  assert.deepEqual(codesOf(await apply(write, createRoomCommand(ann))), [null, 'too_many_owned_rooms']);
});

test('a deletion changes three rows, however often the message was edited, and no text is left', async () => {
  const ann = await createUser();
  const room = await withoutQuotas.createRoom(ann);
  for (const edits of [0, 1, 1_000]) {
    const commands = messageWithEdits(ann, room, edits);
    const id = commands[0].id;
    assert.equal(countOf(codesOf(await withoutQuotas.apply(...commands)), null), edits + 1);
    const deletion = roomCommand('DeleteMessage', ann, room, { targetId: id });
    await withoutQuotas.apply(deletion);
    const [changed] = await database<{ count: number }[]>`
      select count(*)::int from messages where xmin = (select xmin from messages where id = ${deletion.id})`;
    assert.equal(changed?.count, Math.min(edits, 1) + 2);
    const texts = await database`
      select text from messages where room_id = ${room} and text <> '' and ${id} in (id, target_id)`;
    assert.deepEqual([...texts], []);
  }
});

test('an edit erases the text of the edit before it, and a copy of the earlier edit changes nothing', async () => {
  const ann = await createUser();
  const room = await createRoom(ann);
  const [creation, first, second] = messageWithEdits(ann, room, 2);
  await apply(creation, first ?? creation, second ?? creation);
  await apply(first ?? creation);
  const rows = await database<{ text: string }[]>`
    select text from messages where ${creation.id} in (id, target_id) order by seq`;
  assert.deepEqual(
    rows.map(({ text }) => text),
    ['text 1', '', 'text 1'],
  );
});

test('a session without settings has no quotas', async () => {
  const ann = await createUser();
  const rooms = Array.from({ length: 150 }, () => createRoomCommand(ann));
  assert.equal(countOf(codesOf(await withoutQuotas.apply(...rooms)), null), 150);
  assert.equal((await withoutQuotas.apply({ ...createRoomCommand(ann), id: newId() }))[0]?.code, null);
});
