import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const ann = await createAccount(url, 'Ann');
const client = await Client.connect(url, ann.token);
/** He has no socket, so nothing is read for him but what he asks for. */
const bob = await createAccount(url, 'Bob');

const history = async (roomId: string, query: string, token = ann.token) => {
  const { status, body } = await call(url, `GET /api/messages/${roomId}?${query}`, { token });
  assert.equal(status, 200, JSON.stringify(body));
  return body.map(({ seq }: { seq: number }) => seq) as number[];
};

/** A room whose messages are edited and deleted here and there. @returns the seqs that a history shows, newest first */
async function roomWithEdits(): Promise<{ roomId: string; shown: number[] }> {
  const { roomId } = await client.ask({ command: 'CreateRoom', text: 'a room' });
  const shown = [1];
  for (let index = 0; index < 12; index++) {
    const said = await client.ask({ command: 'CreateMessage', roomId, text: `message ${index}` });
    shown.unshift(said.seq);
    if (index % 3 === 0) await client.ask({ command: 'UpdateMessage', roomId, targetId: said.id, text: 'edited' });
    if (index % 4 === 0) await client.ask({ command: 'DeleteMessage', roomId, targetId: said.id });
  }
  shown.unshift((await client.ask({ command: 'UpdateRoom', roomId, text: 'renamed' })).seq);
  return { roomId, shown };
}

test('pages by number, and those before and after any seq, show the same, whatever lies between', async () => {
  const { roomId, shown } = await roomWithEdits();
  for (let page = 1; page <= 5; page++) {
    assert.deepEqual(await history(roomId, `page=${page}&size=3`), shown.slice((page - 1) * 3, page * 3));
  }
  assert.deepEqual(await history(roomId, 'page=6&size=3'), []);
  const head = shown[0] as number;
  for (let seq = 0; seq <= head + 1; seq++) {
    const before = shown.filter((each) => each < seq).slice(0, 4);
    const after = shown.filter((each) => each > seq).slice(-4);
    assert.deepEqual(await history(roomId, `before=${seq}&size=4`), before, `before ${seq}`);
    assert.deepEqual(await history(roomId, `after=${seq}&size=4`), after, `after ${seq}`);
  }
});

test('a deep page reads no more than the first', async () => {
  const roomId = newId();
  await database`
    insert into rooms (id, name, owner_id, room_type, seq, history_length) values (${roomId}, 'long', ${bob.id}, 'Private', 50000, 25000)`;
  await database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${bob.id}, 1)`;
  // Every second one is an edit, which a history does not show.
  await database`
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index)
    select ${roomId}::uuid, n, gen_random_uuid(), ${bob.id}::uuid,
      case when n % 2 = 1 then 'CreateMessage' else 'UpdateMessage' end,
      ${roomId}::uuid, 'message', now(), now(), gen_random_uuid(), 0, (n + 1) / 2
    from generate_series(1, 50000) n`;
  await database.unsafe('analyze');
  assert.deepEqual(await history(roomId, 'page=12500&size=2', bob.token), [3, 1]);

  const deep = ['page=1&size=100', 'page=200&size=100', 'before=100&size=100', 'after=40000&size=100'];
  for (const query of deep) {
    const rows = await rowsRead('messages', `/api/messages/${roomId}?${query}`);
    assert.ok(rows <= 1_000, `${query} read ${rows} rows`);
  }
});

test('a room of very many costs what it shows', async () => {
  const [general] = await database`select id from rooms where name = 'general'`;
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select gen_random_uuid(), 'Many', 'Testing', 'many.' || n || '@example.com', '' from generate_series(1, 20000) n`;
  await database`
    insert into memberships (room_id, user_id)
    select rooms.id, users.id from rooms, users where owner_id is null and email like 'many.%'`;
  await database.unsafe('analyze');
  for (const path of [
    `/api/rooms/${general?.id}`,
    `/api/messages/${general?.id}`,
    '/api/rooms',
    '/api/users?page=20',
  ]) {
    const rows = await rowsRead('memberships', path);
    assert.ok(rows <= 2_000, `${path} read ${rows} rows`);
  }
  await client.close();
});

/** Rows of a table that a request reads, by whatever index; and a few that an earlier one did, told late. */
async function rowsRead(table: string, path: string): Promise<number> {
  const count = async () => {
    const [row] = await database`
      select coalesce(sum(idx_tup_fetch + seq_tup_read), 0)::int as rows from pg_stat_user_tables where relname = ${table}`;
    return row?.rows as number;
  };
  const before = await settled(count);
  assert.equal((await call(url, `GET ${path}`, { token: bob.token })).status, 200);
  return (await settled(count)) - before;
}

/** A number when it stands still for as long as Postgres holds back its statistics. */
async function settled(count: () => Promise<number>): Promise<number> {
  let last = await count();
  for (let since = Date.now(); Date.now() - since < 1_500; ) {
    const now = await count();
    if (now !== last) since = Date.now();
    last = now;
  }
  return last;
}
