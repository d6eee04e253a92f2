import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import {
  codesOf,
  roomCommand as command,
  createRoomCommand,
  inOneMinute,
  roomCommands,
} from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

const { database } = await openTestDatabase();
const { apply, create, createUser, createRoom, seqsOf } = roomCommands(database);

/** The deadline of a command that is created now. */
const inTenSeconds = () => new Date(Date.now() + 10_000).toISOString();
const fresh = (...[name, actorId, roomId, more]: Parameters<typeof command>) =>
  command(name, actorId, roomId, { deadline: inTenSeconds(), ...more });

/** A private room of Ann. Bob is not in it, and has sent a command that was refused. */
async function createScene() {
  const [ann, bob] = [await createUser(), await createUser()];
  const room = await createRoom(ann);
  const refused = fresh('CreateMessage', bob, room);
  assert.deepEqual(codesOf(await apply(refused)), ['no_such_room']);
  return { ann, room, refused, addBob: fresh('AddUser', ann, room, { targetId: bob }) };
}

const refusalOf = async ({ ref }: RoomCommand) => {
  const [row] = await database`select code, refused_at from refusals where ref = ${ref}`;
  return row;
};
const makeOlder = (seconds: number) =>
  database`update refusals set refused_at = refused_at - ${seconds}::int * interval '1 s'`;

test('a copy of a refused command is refused after the actor got the right, in each way to apply it', async () => {
  const { room, refused, addBob } = await createScene();
  assert.deepEqual(codesOf(await apply(addBob)), [null]);
  assert.equal(await create([refused]), undefined, 'as a batch of only CreateMessage');
  assert.deepEqual(codesOf(await apply(refused)), ['no_such_room'], 'as a set');
  const rename = fresh('UpdateRoom', refused.actorId, room);
  assert.deepEqual(codesOf(await apply(rename)), ['owner_only']);
  await database`update rooms set owner_id = ${refused.actorId} where id = ${room}`;
  assert.deepEqual(codesOf(await apply(rename)), ['owner_only'], 'as another command');
  assert.deepEqual(await seqsOf(room), [1, 2]);
});

test('in one batch, a refused command stays refused after the command that would allow it', async () => {
  const { room, refused, addBob } = await createScene();
  const first = { ...refused, ref: randomUUID() };
  const outcomes = await apply(
    first,
    addBob,
    { ...first, id: randomUUID() },
    fresh('CreateMessage', first.actorId, room),
  );
  assert.deepEqual(codesOf(outcomes), ['no_such_room', null, 'no_such_room', null]);
});

test('a CreateRoom that was refused stays refused', async () => {
  const creation = { ...createRoomCommand(randomUUID()), deadline: inTenSeconds() };
  assert.deepEqual(codesOf(await apply(creation)), ['no_such_user']);
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    values (${creation.actorId}, 'Ann', 'Late', ${creation.actorId}, '')`;
  assert.deepEqual(codesOf(await apply(creation)), ['no_such_user']);
});

test('the same ref in a command that was created after the refusal is a new attempt', async () => {
  const { room, refused, addBob } = await createScene();
  await apply(addBob);
  await makeOlder(1);
  assert.deepEqual(codesOf(await apply({ ...refused, deadline: inTenSeconds() })), [null]);
  assert.deepEqual(await seqsOf(room), [1, 2, 3]);
});

test('a repeated refusal keeps its first time, and a new attempt that is refused gets a new time', async () => {
  const { refused } = await createScene();
  const first = await refusalOf(refused);
  await apply(refused);
  assert.deepEqual(await refusalOf(refused), first);
  await apply({ ...refused, deadline: inOneMinute() });
  assert.notEqual((await refusalOf(refused))?.refusedAt, first?.refusedAt);
});

test('a refusal deletes the refusals that are older than 30 seconds, and no other', async () => {
  const [old, young] = [await createScene(), await createScene()];
  await makeOlder(31);
  await apply(young.refused);
  await apply({ ...young.refused, deadline: inOneMinute() });
  const last = await createScene();
  assert.equal(await refusalOf(old.refused), undefined);
  assert.deepEqual(
    [(await refusalOf(young.refused))?.code, (await refusalOf(last.refused))?.code],
    ['no_such_room', 'no_such_room'],
  );
});

test('a batch of only CreateMessage is applied in the cheap way although other commands were refused', async () => {
  const { ann, room } = await createScene();
  assert.equal((await create([fresh('CreateMessage', ann, room)]))?.length, 1);
});
