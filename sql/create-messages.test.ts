import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { RoomType } from '../shared/contract/fields.ts';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { aSecondAgo, inOneMinute, roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

// create_messages applies CreateMessage commands as one set. All other commands are applied one by one. Both ways must
// agree on who may write, and on the meaning of a repeated ref and of a deadline. So in each case here, an actor writes
// a message (as a set) and edits a message (one by one).

const { database } = await openTestDatabase();
const { apply, create, createUser, createRoom } = roomCommands(database);

const roomTypes: RoomType[] = ['Private', 'Public', 'ReadOnly'];
const roles = ['stranger', 'member', 'owner', 'admin', 'admin and member'];
const refs = ['new', 'repeated', 'reused'] as const;

interface Case {
  title: string;
  actorId: string;
  roomId: string;
  /** A message that the actor wrote in the room. */
  targetId: string;
  deadline: string;
}

const cases: Case[] = [];

before(async () => {
  for (const roomType of roomTypes) for (const isDeleted of [false, true]) await addRoom(roomType, isDeleted);
});

test('commands that are applied as a set get the same outcomes as commands that are applied one by one', async () => {
  const codes = new Set<string | null>();
  for (const ref of refs) {
    const asSet = await outcomesOf('CreateMessage', ref);
    const oneByOne = await outcomesOf('UpdateMessage', ref);
    for (const [index, { title }] of cases.entries()) {
      assert.deepEqual(asSet[index], oneByOne[index], `${title}, ${ref} ref`);
      codes.add(asSet[index]?.code ?? null);
    }
  }
  assert.equal(cases.length, 60);
  const everyRule = ['expired', 'no_such_room', 'not_a_member', null, 'read_only_room', 'ref_reused'];
  assert.deepEqual([...codes].sort(), everyRule);
});

test('the way for batches of only CreateMessage accepts no command that the other ways refuse', async () => {
  let accepted = 0;
  for (const { title, actorId, roomId, deadline } of cases) {
    const command = roomCommand('CreateMessage', actorId, roomId, { deadline });
    if (!(await create([command]))) continue;
    accepted++;
    const [outcome] = await apply(roomCommand('CreateMessage', actorId, roomId, { deadline }));
    assert.equal(outcome?.code, null, title);
  }
  // The owner, the member, and the admin who is a member: each in a private and in a public room.
  assert.equal(accepted, 6);
});

/** Adds the cases of a room: each role, before and after the deadline. */
async function addRoom(roomType: RoomType, isDeleted: boolean): Promise<void> {
  const ownerId = await createUser();
  const roomId = await createRoom(ownerId, roomType);
  for (const role of roles) {
    const isAdmin = role.startsWith('admin');
    const actorId = role === 'owner' ? ownerId : await createUser('Ann', isAdmin ? ['user', 'admin'] : ['user']);
    if (role.endsWith('member')) {
      await database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${actorId}, 1)`;
    }
    const target = roomCommand('CreateMessage', actorId, roomId);
    await store(target);
    for (const deadline of [inOneMinute(), aSecondAgo()]) {
      const title = `${role}, ${roomType} room, deleted: ${isDeleted}, deadline ${deadline}`;
      cases.push({ title, actorId, roomId, targetId: target.id, deadline });
    }
  }
  if (isDeleted) await database`update rooms set deleted_at = now() where id = ${roomId}`;
}

/** Stores the messages of commands without a check of rights: the actor may have lost the right later. */
async function store(...commands: RoomCommand[]): Promise<void> {
  const batch = database.json(JSON.parse(JSON.stringify(commands)));
  await database`select from store_messages(room_commands(${batch}, null))`;
}

/** Applies the command of each case, as one batch. @returns the fields that must be equal in both ways */
async function outcomesOf(name: 'CreateMessage' | 'UpdateMessage', ref: (typeof refs)[number]) {
  const commands = cases.map(({ actorId, roomId, targetId, deadline }) =>
    roomCommand(name, actorId, roomId, { deadline, targetId: name === 'UpdateMessage' ? targetId : roomId }),
  );
  const text = ref === 'reused' ? 'another text' : 'Hello World!';
  const earlier = commands.map((command) => ({ ...command, id: newId(), text }));
  if (ref !== 'new') await store(...earlier);
  const outcomes = await apply(...commands);
  return outcomes.map(({ code, isNew, message }, index) => {
    const source = [commands[index], earlier[index]].findIndex((command) => command?.id === message?.id);
    const known = message && { text: message.text, userId: message.user_id, roomId: message.room_id };
    return { code, isNew, message: known, source: ['the command', 'an earlier command'][source] };
  });
}
