import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const ann = await createAccount(url, 'Ann');
/** Bob has no socket, so the gateway reads rows only for the requests of Bob. */
const bob = await createAccount(url, 'Bob');

const readHistory = (roomId: string, query: string, token = ann.token) =>
  call(url, `GET /api/messages/${roomId}?${query}`, { token });

/** Reads a page of a history. @returns the seqs of its messages */
async function readSeqs(roomId: string, query: string, token = ann.token): Promise<number[]> {
  return bodyOf(v.array(Message), await readHistory(roomId, query, token)).map(({ seq }) => seq);
}

/** Creates a room with edited and deleted messages. @returns the seqs that its history shows, newest first */
async function createRoomWithEdits(client: Client): Promise<{ roomId: string; shown: number[] }> {
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  const shown = [1];
  for (let index = 0; index < 24; index++) {
    const { id, seq } = await client.commit({ command: 'CreateMessage', roomId, text: `message ${index}` });
    shown.unshift(seq);
    if (index % 3 === 0) await client.commit({ command: 'UpdateMessage', roomId, targetId: id, text: 'edited' });
    if (index % 4 === 0) await client.commit({ command: 'DeleteMessage', roomId, targetId: id });
  }
  shown.unshift((await client.commit({ command: 'UpdateRoom', roomId, text: 'renamed' })).seq);
  return { roomId, shown };
}

test('pages by number, pages before a seq and pages after a seq show the same history', async () => {
  const client = await Client.connect(url, ann.token);
  const { roomId, shown } = await createRoomWithEdits(client);
  await client.close();
  for (let page = 1; page <= 9; page++) {
    assert.deepEqual(await readSeqs(roomId, `page=${page}&size=3`), shown.slice((page - 1) * 3, page * 3));
  }
  assert.deepEqual(await readSeqs(roomId, 'page=10&size=3'), []);
  const lastSeq = shown[0] as number;
  for (let seq = 0; seq <= lastSeq + 1; seq++) {
    const before = shown.filter((each) => each < seq).slice(0, 4);
    const after = shown.filter((each) => each > seq).slice(-4);
    assert.deepEqual(await readSeqs(roomId, `before=${seq}&size=4`), before, `before ${seq}`);
    assert.deepEqual(await readSeqs(roomId, `after=${seq}&size=4`), after, `after ${seq}`);
  }
  assert.deepEqual(await readSeqs(roomId, `before=${Number.MAX_SAFE_INTEGER}&size=4`), shown.slice(0, 4));
  assert.deepEqual(await readSeqs(roomId, `after=${Number.MAX_SAFE_INTEGER}`), []);
  assert.deepEqual(await readSeqs(roomId, ''), shown.slice(0, 20), 'without a size, a page has 20 messages');
  refused(await readHistory(roomId, 'before=1&after=2'), 'invalid_field');
});

/** Stores a room of Bob with this number of messages. A history shows every `every`th message, beginning with the first. */
async function storeRoom(messages: number, every: number): Promise<string> {
  const roomId = newId();
  await database`
    insert into rooms (id, name, owner_id, room_type, seq, history_length)
    values (${roomId}, 'long', ${bob.id}, 'Private', ${messages}, ${Math.ceil(messages / every)})`;
  await database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${bob.id}, 1)`;
  await database`
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    select ${roomId}::uuid, n, gen_random_uuid(), ${bob.id}::uuid,
      case when n % ${every} = 1 % ${every} then 'CreateMessage' else 'UpdateMessage' end,
      ${roomId}::uuid, 'message', now(), now(), gen_random_uuid(), 0, (n - 1) / ${every} + 1
    from generate_series(1, ${messages}::int) n`;
  await database.unsafe('analyze');
  return roomId;
}

test('each of four pages in the history of a room with 50,000 messages reads at most 1,000 rows', async () => {
  const roomId = await storeRoom(50_000, 2);
  assert.deepEqual(await readSeqs(roomId, 'page=12500&size=2', bob.token), [3, 1]);

  const queries = ['page=1&size=100', 'page=200&size=100', 'before=100&size=100', 'after=40000&size=100'];
  const paths = queries.map((query) => `/api/messages/${roomId}?${query}`);
  await assertRowsRead('messages', paths, 1_000);
});

test('a page costs the same if thousands of edits are between its messages', async () => {
  const roomId = await storeRoom(50_000, 2_000);
  assert.deepEqual(await readSeqs(roomId, 'page=2&size=3', bob.token), [42_001, 40_001, 38_001]);
  const paths = [1, 2, 3].map((page) => `/api/messages/${roomId}?page=${page}&size=10`);
  await assertRowsRead('messages', paths, 1_000);
});

test('with 100 edits of each message, a page reads only the rows between its messages', async () => {
  const [messages, every, size] = [50_000, 101, 100];
  const roomId = await storeRoom(messages, every);
  const shown = Array.from({ length: Math.ceil(messages / every) }, (_, index) => index * every + 1).toReversed();
  for (const page of [1, 3, 4]) {
    const expected = shown.slice((page - 1) * size, page * size);
    assert.deepEqual(await readSeqs(roomId, `page=${page}&size=${size}`, bob.token), expected);
  }
  const paths = [1, 3, 4].map((page) => `/api/messages/${roomId}?page=${page}&size=${size}`);
  // A request that is sent again reads its page twice.
  await assertRowsRead('messages', paths, 2 * every * size + 1_000);
});

test('a page of a history without edits reads only its own rows', async () => {
  const roomId = await storeRoom(50_000, 1);
  assert.deepEqual(await readSeqs(roomId, 'page=25000&size=2', bob.token), [2, 1]);
  await assertRowsRead('messages', [`/api/messages/${roomId}?page=200&size=100`], 100);
});

test('with 20,000 users, each list reads at most 2,000 memberships', async () => {
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select gen_random_uuid(), 'Many', 'Testing', 'many.' || n || '@example.com', '' from generate_series(1, 20000) n`;
  await database`
    insert into memberships (room_id, user_id)
    select rooms.id, users.id from rooms, users where owner_id is null and email like 'many.%'`;
  await database.unsafe('analyze');
  const paths = ['/api/rooms/general', '/api/messages/general', '/api/rooms', '/api/users?page=20'];
  await assertRowsRead('memberships', paths, 2_000);
});

/**
 * Asserts that each request reads at most `max` rows of a table, and that one or more requests read a row of it. Counts
 * the rows of index scans and of sequential scans.
 */
async function assertRowsRead(table: string, paths: string[], max: number): Promise<void> {
  const counts = [await countRowsRead(table)];
  for (const path of paths) {
    // A request that meets a session at its end is refused as `unavailable`.
    await until(async () => (await call(url, `GET ${path}`, { token: bob.token })).status === 200);
    counts.push(await countRowsRead(table));
  }
  const rows = paths.map((path, index) => [path, Number(counts[index + 1]) - Number(counts[index])] as const);
  assert.ok(rows.some(([, read]) => read > 0) && rows.every(([, read]) => read <= max), JSON.stringify(rows));
}

/**
 * Returns how many rows of a table the gateway has read. Counts the entries of indexes, because a scan of an index alone
 * reads no row. A Postgres session reports this number when it ends, so this
 * function ends the sessions of the gateway.
 */
async function countRowsRead(table: string): Promise<number> {
  await until(async () => {
    const sessions = await database`
      select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and application_name like 'rooms-gateway%'`;
    return sessions.length === 0;
  });
  const [row] = await database<{ count: number }[]>`
    select (
      (select coalesce(sum(idx_tup_read), 0) from pg_stat_user_indexes where relname = ${table})
      + (select coalesce(sum(seq_tup_read), 0) from pg_stat_user_tables where relname = ${table})
    )::int as count`;
  return row?.count as number;
}
