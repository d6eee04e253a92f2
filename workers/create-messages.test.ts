import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsOf } from '../shared/columns.ts';
import { newId } from '../shared/contract/ids.ts';
import type { RoomCommand } from '../shared/contract/jobs.ts';
import { encodeMessage, Message } from '../shared/contract/messages.ts';
import { connectDatabase, type Database } from '../shared/database.ts';
import { aSecondAgo, codesOf, roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';

const { database, url } = await openTestDatabase();
const { apply, applyBatch, create, createUser, createRoom, seqsOf } = roomCommands(database);

const write = (actorId: string, roomId: string, text = 'Hello World!', more: Partial<RoomCommand> = {}) =>
  roomCommand('CreateMessage', actorId, roomId, { text, ...more });

const texts = [
  ...['plain', '"quoted"', '\\', '\\"', "'", '{a,b}', ',', 'null', 'NULL', ' ', '\n', '\t\r\n', '\u2028', '💬'],
  ...['@tester', '@Tester Testing, @nobody', '$1', '%s', '\u0001', 'a'.repeat(500)],
];

test('the returned messages equal the stored rows, byte for byte, with all kinds of characters in their texts', async () => {
  const ann = await createUser();
  const rooms = [await createRoom(ann), 'general', await createRoom(ann)];
  const commands = texts.map((text, index) => write(ann, rooms[index % 3] as string, text));
  const messages = (await create(commands)) as Message[];
  assert.deepEqual(
    messages.map(({ id }) => id),
    commands.map(({ id }) => id),
  );
  for (const message of messages) {
    const [row] = await database<Message[]>`
      select ${database(columnsOf(Message))} from messages where id = ${message.id}`;
    assert.equal(encodeMessage(message), encodeMessage(row as Message));
  }
  for (const roomId of rooms)
    assert.deepEqual(
      await seqsOf(roomId),
      (await seqsOf(roomId)).map((_, index) => index + 1),
    );
});

test('both ways to apply a batch store the same rows, and count the same messages', async () => {
  const ann = await createUser();
  const [first, second] = [await createRoom(ann), await createRoom(ann)];
  await create(texts.map((text) => write(ann, first, text)));
  await apply(...texts.map((text) => write(ann, second, text)));
  const stateOf = async (roomId: string) => {
    const rows = await database`
      select seq, user_id, command, target_id = room_id as is_of_room, text, name, last_change, history_index, mentions,
        (select array_agg(x.user_id) from mentions x where x.room_id = m.room_id and x.seq = m.seq) as counted_mentions,
        created_at = updated_at as has_one_time,
        fingerprint = command_fingerprint(row(
          id, user_id, ref, null, command, room_id, target_id, text, null
        )::room_command) as has_its_fingerprint
      from messages m where room_id = ${roomId} and command = 'CreateMessage' order by seq`;
    const [room] =
      await database`select seq, history_length, updated_at = created_at as is_unchanged from rooms where id = ${roomId}`;
    return { rows: [...rows], room };
  };
  const state = await stateOf(first);
  assert.deepEqual(state, await stateOf(second));
  assert.deepEqual([state.rows.length, state.rows[0]?.hasItsFingerprint], [texts.length, true]);
});

test('a command that was applied in this way gets the same outcome again, and its ref with another text is refused', async () => {
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const [one, two] = [write(ann, roomId), write(ann, roomId)];
  await create([one, two]);
  const outcomes = await apply({ ...two, id: newId() }, { ...one, id: newId(), text: 'another text' });
  assert.deepEqual(codesOf(outcomes), [null, 'ref_reused']);
  assert.deepEqual([outcomes[0]?.isNew, outcomes[0]?.message?.id], [false, two.id]);
});

test('a batch with a copy, a repeated ref, an expired command, a refusal or another command changes nothing', async () => {
  const [ann, bob] = [await createUser(), await createUser()];
  const [roomId, readOnly, deleted] = [await createRoom(ann), await createRoom(ann, 'ReadOnly'), await createRoom(ann)];
  await apply(roomCommand('DeleteRoom', ann, deleted, { text: '' }));
  const [known, fresh] = [write(ann, roomId), write(ann, roomId)];
  const laneKey = newId();
  assert.equal((await create([known], laneKey, 4))?.length, 1);
  const batches: Record<string, RoomCommand[]> = {
    'a ref of an earlier batch': [fresh, write(ann, roomId, 'other', { ref: known.ref })],
    'a ref twice': [fresh, write(ann, roomId, 'other', { ref: fresh.ref })],
    'a deadline': [fresh, write(ann, roomId, 'late', { deadline: aSecondAgo() })],
    'a stranger': [fresh, write(bob, roomId)],
    'no user': [fresh, write(newId(), roomId)],
    'no room': [fresh, write(ann, newId())],
    'a deleted room': [fresh, write(ann, deleted)],
    'a read-only room': [fresh, write(ann, readOnly)],
    'another command': [fresh, roomCommand('UpdateRoom', ann, roomId)],
  };
  for (const [title, commands] of Object.entries(batches)) {
    assert.equal(await create(commands, laneKey, 5), undefined, title);
  }
  assert.equal(await create([fresh], laneKey, 4), undefined, 'a copy of the newest batch');
  assert.equal(await create([fresh], laneKey, 3), undefined, 'an earlier batch');
  assert.deepEqual(await seqsOf(roomId), [1, 2]);
  // The number 5 is not stored, so apply_room_commands can apply this batch.
  assert.deepEqual(codesOf(await applyBatch(laneKey, 5, [fresh])), [null]);
});

test('twenty batches for the same rooms at the same time, in both ways, give each room the seqs 1 to n', async () => {
  const ann = await createUser();
  const rooms = await Promise.all(Array.from({ length: 5 }, () => createRoom(ann)));
  const batches = Array.from({ length: 20 }, (_, index) => {
    const order = index % 2 ? rooms : rooms.toReversed();
    return order.flatMap((roomId) => [write(ann, roomId), write(ann, roomId)]);
  });
  await Promise.all(batches.map((batch, index) => (index % 4 ? create(batch) : apply(...batch))));
  const expected = Array.from({ length: 41 }, (_, index) => index + 1);
  for (const roomId of rooms) assert.deepEqual(await seqsOf(roomId), expected);
});

test('a batch for 100 of 3,000 rooms reads few other rooms, also if its plan was made when there were few rooms', async () => {
  const worker = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  const ann = await createUser();
  await roomCommands(worker).create([write(ann, await createRoom(ann))]);
  const rows = await database<{ id: string }[]>`
    insert into rooms (id, name, owner_id, room_type)
    select gen_random_uuid(), 'one of many', ${ann}, 'Private' from generate_series(1, 3000) returning id`;
  await database`
    insert into memberships (room_id, user_id, seq) select id, owner_id, 1 from rooms where name = 'one of many'`;
  const before = await countRoomsRead(worker);
  const messages = await roomCommands(worker).create(rows.slice(0, 100).map(({ id }) => write(ann, id)));
  const read = (await countRoomsRead(worker)) - before;
  await worker.end();
  assert.equal(messages?.length, 100);
  assert.ok(read >= 100 && read <= 300, `${read} rows of rooms were read`);
});

/** Returns how many rows of `rooms` were read by an index. First reports the rows that this session has read. */
async function countRoomsRead(session: Database): Promise<number> {
  await session`select pg_stat_force_next_flush()`;
  const [row] = await session<{ count: number }[]>`
    select sum(idx_tup_read)::int as count from pg_stat_user_indexes where relname = 'rooms'`;
  return row?.count as number;
}
