import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { Batch, RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import { createLog } from '../shared/log.ts';
import { roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { isEarly } from './in-turn.ts';

const { database } = await openTestDatabase();
const { createUser, createRoom } = roomCommands(database);
const log = createLog('test', 'silent');

/** Two batches of one lane. The second follows the first. */
async function createBatches() {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const [laneKey, gateway] = [newId(), newId()];
  const batch = (number: number): Batch<RoomCommand> => ({
    ...{ v: PAYLOAD_VERSION, gateway, lane: 0, number },
    ...(number > 0 && { follows: number - 1 }),
    commands: [roomCommand('CreateMessage', ann, roomId)],
  });
  const [first, second] = [batch(0), batch(1)];
  return {
    applyFirst: () => applyRoomCommands(database, laneKey, first, log),
    applySecond: () => applyRoomCommands(database, laneKey, second, log),
    messageIds: [first, second].map(({ commands }) => commands[0]?.id),
    storedIds: async () => {
      const rows = await database`select id from messages where room_id = ${roomId} and seq > 1 order by seq`;
      return rows.map(({ id }) => id);
    },
  };
}

test('a batch that arrives before its predecessor is applied after it', async () => {
  const { applyFirst, applySecond, messageIds, storedIds } = await createBatches();
  const [{ newMessages }] = await Promise.all([applySecond(), applyFirst()]);
  assert.deepEqual(
    newMessages.map(({ id }) => id),
    messageIds.slice(1),
  );
  assert.deepEqual(await storedIds(), messageIds);
});

test('a batch whose predecessor does not come is handed back without an effect', async () => {
  const { applyFirst, applySecond, messageIds, storedIds } = await createBatches();
  await assert.rejects(applySecond(), (error) => isEarly(error));
  assert.deepEqual(await storedIds(), []);
  await applyFirst();
  await applySecond();
  assert.deepEqual(await storedIds(), messageIds);
});

test('a late copy of a batch changes nothing after its successor is applied', async () => {
  const { applyFirst, applySecond, messageIds, storedIds } = await createBatches();
  const [first, second] = [await applyFirst(), await applySecond()];
  const late = await applyFirst();
  assert.deepEqual(late.outcomes, first.outcomes);
  assert.deepEqual(late.newMessages, []);
  assert.deepEqual((await applySecond()).outcomes, second.outcomes);
  assert.deepEqual(await storedIds(), messageIds);
});
