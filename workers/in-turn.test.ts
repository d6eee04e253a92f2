import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import type { Batch, RoomCommand } from '../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../shared/contract/versions.ts';
import type { Database } from '../shared/database.ts';
import { roomCommand, roomCommands, workerContext } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { applyRoomCommands } from './apply-room-commands.ts';
import { isEarly } from './in-turn.ts';

const { database } = await openTestDatabase();
const { createUser, createRoom } = roomCommands(database);

/** A CreateMessage and another command reach Postgres with different statements. */
const COMMANDS = ['CreateMessage', 'UpdateRoom'] as const;

/** The same database, but `onEarly` is called when Postgres refuses a batch as early. */
function watchEarly(onEarly: () => void): Database {
  const run = (...call: Parameters<Database>) => {
    const query: unknown = database(...call);
    if (query instanceof Promise) query.catch((error: unknown) => isEarly(error) && onEarly());
    return query;
  };
  return Object.assign(run, { json: database.json, unsafe: database.unsafe, end: database.end }) as unknown as Database;
}

/** Two batches of one lane, each with one such command. The second follows the first. */
async function createBatches(command: RoomCommand['command']) {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const [laneKey, gateway] = [newId(), newId()];
  const batch = (number: number): Batch<RoomCommand> => ({
    ...{ v: PAYLOAD_VERSION, gateway, lane: 0, number },
    ...(number > 0 && { follows: number - 1 }),
    commands: [roomCommand(command, ann, roomId)],
  });
  const [first, second] = [batch(0), batch(1)];
  const { promise: secondIsEarly, resolve: onEarly } = Promise.withResolvers<void>();
  let refusals = 0;
  const watched = watchEarly(() => {
    refusals++;
    onEarly();
  });
  const applySecond = () => applyRoomCommands(workerContext(watched), laneKey, second);
  return {
    applyFirst: () => applyRoomCommands(workerContext(database), laneKey, first),
    applySecond,
    /** Applies the second batch again while it is handed back, as the queue does. */
    takeSecond: async () => {
      for (;;) {
        try {
          return await applySecond();
        } catch (error) {
          if (!isEarly(error)) throw error;
        }
      }
    },
    secondIsEarly,
    countRefusals: () => refusals,
    messageIds: [first, second].map(({ commands }) => commands[0]?.id),
    storedIds: async () => {
      const rows = await database`select id from messages where room_id = ${roomId} and seq > 1 order by seq`;
      return rows.map(({ id }) => id);
    },
  };
}

for (const command of COMMANDS) {
  test(`${command}: a batch that arrives before its predecessor is applied after it`, async () => {
    const { applyFirst, takeSecond, secondIsEarly, messageIds, storedIds } = await createBatches(command);
    const second = takeSecond();
    await Promise.race([secondIsEarly, second]);
    const [{ newMessages }] = await Promise.all([second, applyFirst()]);
    assert.deepEqual(
      newMessages.map(({ id }) => id),
      messageIds.slice(1),
    );
    assert.deepEqual(await storedIds(), messageIds);
  });

  test(`${command}: a batch whose predecessor does not come is sent again, then handed back without an effect`, async () => {
    const { applyFirst, applySecond, countRefusals, messageIds, storedIds } = await createBatches(command);
    await assert.rejects(applySecond(), (error) => isEarly(error));
    assert.ok(countRefusals() > 1, `the statement was sent ${countRefusals()} times`);
    assert.deepEqual(await storedIds(), []);
    await applyFirst();
    await applySecond();
    assert.deepEqual(await storedIds(), messageIds);
  });

  test(`${command}: a late copy of a batch changes nothing after its successor is applied`, async () => {
    const { applyFirst, applySecond, messageIds, storedIds } = await createBatches(command);
    const [first, second] = [await applyFirst(), await applySecond()];
    const late = await applyFirst();
    assert.deepEqual(late.outcomes, first.outcomes);
    assert.deepEqual(late.newMessages, []);
    assert.deepEqual((await applySecond()).outcomes, second.outcomes);
    assert.deepEqual(await storedIds(), messageIds);
  });
}
