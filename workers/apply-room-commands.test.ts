import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { roomCommand, roomCommands, workerContext } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { applyRoomCommands } from './apply-room-commands.ts';

const { database } = await openTestDatabase();
const { createUser, createRoom } = roomCommands(database);
const context = workerContext(database);

const apply = (...commands: RoomCommand[]) =>
  applyRoomCommands(context, newId(), { v: PAYLOAD_VERSION, gateway: newId(), lane: 0, number: 0, commands });

test('an outcome contains the stored message only if the command has `wantsMessage`', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const wanted = roomCommand('CreateMessage', ann, roomId, { wantsMessage: true });
  const plain = roomCommand('CreateMessage', ann, roomId);
  const refused = roomCommand('CreateMessage', newId(), roomId, { wantsMessage: true });
  const { outcomes, newMessages } = await apply(wanted, plain, refused);
  const [message] = await database`
    select id, seq, room_id, user_id, command, target_id, text, name, mentions, created_at, updated_at, ref
    from messages where id = ${wanted.id}`;
  assert.deepEqual(outcomes, [
    { id: wanted.id, roomId, seq: 2, message: { ...message } },
    { id: plain.id, roomId, seq: 3 },
    { code: 'no_such_room' },
  ]);
  assert.deepEqual(
    newMessages.map(({ id }) => id),
    [wanted.id, plain.id],
  );
});

test('a repeated command gets the outcome of the first command, and stores no new message', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const command = roomCommand('CreateMessage', ann, roomId, { wantsMessage: true });
  const first = await apply(command);
  const second = await apply({ ...command, id: newId() });
  assert.deepEqual(second.outcomes, first.outcomes);
  assert.deepEqual(second.newMessages, []);
  assert.deepEqual(
    second.earlierMessages.map(({ id }) => id),
    [command.id],
  );
});
