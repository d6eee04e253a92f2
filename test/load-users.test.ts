import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import * as v from 'valibot';
import { Room } from '../shared/contract/answers.ts';
import { connectDatabase, type Database } from '../shared/database.ts';
import { LoadUsersFile } from '../shared/load-users-file.ts';
import { addLoadUsers } from '../workers/load-users.ts';
import { removeLoadUsers } from '../workers/remove-load-users.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { Client, call, createAccount } from './support/client.ts';
import { runAdminWith, startAdmin } from './support/npm-run-admin.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster, database, databaseUrl } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const folder = mkdtempSync(join(tmpdir(), 'rooms-load-users-'));
after(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'new', 'load-users.json');

const env = { DATABASE_URL: databaseUrl, API_SECRET: cluster.secret, ENVIRONMENT: 'dev' };
const config = { API_SECRET: cluster.secret, TOKEN_HOUR_LIFESPAN: 1 };
const loadUsers = (users: number, membersPerRoom: number) =>
  addLoadUsers(database, config, { users, membersPerRoom, file });
const readFile = () => v.parse(LoadUsersFile, JSON.parse(readFileSync(file, 'utf8')));

async function countRows() {
  const [row] = await database`
    select (select count(*) from users) as users, (select count(*) from rooms) as rooms,
      (select count(*) from memberships) as memberships, (select count(*) from messages) as messages`;
  return row;
}

beforeEach(() => removeLoadUsers(database));

test('load-users makes rooms whose members have working tokens and one password', async () => {
  const output = await loadUsers(20, 5);
  assert.match(output.join('\n'), /^20 load users in 4 rooms, in .* s\n.*load-users\.json$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { rooms, password } = readFile();
  const sizes = rooms.map(({ users }) => users.length);
  assert.deepEqual(sizes, [5, 5, 5, 5]);
  for (const { id, users } of rooms) {
    const room = bodyOf(Room, await call(url, `GET /api/rooms/${id}`, { token: users[4]?.token }));
    const idsOf = (people: { id: string }[]) => people.map((person) => person.id).toSorted();
    assert.deepEqual([room.ownerId, idsOf(room.users)], [users[0]?.id, idsOf(users)]);
  }
  // A login replaces a hash that has other parameters than a new hash.
  const readHashes = () => database`select distinct password_hash from users`;
  const hashes = await readHashes();
  assert.equal(hashes.length, 1);
  const body = { email: rooms[0]?.users[0]?.email, password };
  bodyOf(v.object({ token: v.string() }), await call(url, 'POST /api/users/login', { body }));
  assert.deepEqual(await readHashes(), hashes);
});

test('load-users and remove-load-users refuse to run outside dev without --force', async () => {
  const inProduction = { ...env, ENVIRONMENT: '' };
  const words = ['load-users', '2', '--members=1', `--file=${join(folder, 'forced.json')}`];
  const before = await countRows();
  for (const refusedWords of [words, ['remove-load-users']]) {
    const [code, output] = await runAdminWith(inProduction, ...refusedWords);
    assert.equal(code, 1, output);
    assert.match(output, /only for ENVIRONMENT=dev.*--force/);
  }
  assert.deepEqual(await countRows(), before);
  assert.equal((await runAdminWith(inProduction, ...words, '--force'))[0], 0);
  assert.ok(existsSync(join(folder, 'forced.json')));
  assert.equal((await runAdminWith(inProduction, 'remove-load-users', '--force'))[0], 0);
  assert.deepEqual(await countRows(), before);
});

test('load-users is refused while there are load users', async () => {
  await loadUsers(2, 2);
  const before = [await countRows(), readFile()];
  await assert.rejects(loadUsers(2, 2), /remove-load-users/);
  assert.deepEqual([await countRows(), readFile()], before);
});

test('remove-load-users leaves the accounts, rooms and messages of other people, without a gap', async () => {
  const ann = await createAccount(url, 'Ann');
  const annsRoom = bodyOf(
    Room,
    await call(url, 'POST /api/rooms', { token: ann.token, body: { name: 'of Ann' } }),
    201,
  );
  const before = await countRows();
  await loadUsers(4, 2);
  const [{ id: roomId, users }] = readFile().rooms as [LoadUsersFile['rooms'][number]];
  const [owner, member] = users as [(typeof users)[0], (typeof users)[0]];
  const add = (token: string, room: string, user: string) =>
    call(url, `POST /api/rooms/${room}/users/${user}`, { token });
  assert.equal((await add(owner.token, roomId, ann.id)).status, 201);
  assert.equal((await add(ann.token, annsRoom.id, member.id)).status, 201);
  const socket = await Client.connect(url, member.token);
  for (const room of [roomId, annsRoom.id])
    await socket.commit({ command: 'CreateMessage', roomId: room, text: 'hello' });
  await socket.close();

  assert.deepEqual(await removeLoadUsers(database), ['removed 4 load users and 2 rooms']);
  const { messages, ...others } = before as Record<string, number>;
  assert.deepEqual(await countRows(), { ...others, messages: (messages ?? 0) + 2 });
  const seqs = await database`select seq from messages where room_id = ${annsRoom.id} order by seq`;
  assert.deepEqual(
    seqs.map(({ seq }) => seq),
    [1, 2, 3],
  );
  refused(await call(url, 'GET /api/users/current', { token: owner.token }), 'token_revoked');
  refused(await call(url, `GET /api/rooms/${roomId}`, { token: ann.token }), 'no_such_room');
});

test('remove-load-users does not read all rooms for each user', async () => {
  await database`
    with owner as (
      insert into users (id, first_name, last_name, email, password_hash)
      select gen_random_uuid(), 'Many', 'Rooms', n || '@example.com', '' from generate_series(1, 100) n returning id
    )
    insert into rooms (id, name, owner_id, room_type)
    select gen_random_uuid(), 'a room', owner.id, 'Private' from owner, generate_series(1, 30)`;
  await database.unsafe('analyze');
  await loadUsers(100, 10);
  const operator = connectDatabase(databaseUrl, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  const before = await countRoomsRead(operator);
  await removeLoadUsers(operator);
  const rows = (await countRoomsRead(operator)) - before;
  await operator.end();
  // The 3,000 rooms may be read a few times, but not once for each of the 100 users.
  assert.ok(rows > 0 && rows < 30_000, `${rows} rows of rooms were read`);
});

/** Returns how many rows of `rooms` were read. First reports the rows that this session has read. */
async function countRoomsRead(session: Database): Promise<number> {
  await session`select pg_stat_force_next_flush()`;
  const [row] = await session<{ count: number }[]>`
    select (
      (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'rooms')
      + (select seq_tup_read from pg_stat_user_tables where relname = 'rooms')
    )::int as count`;
  return row?.count as number;
}

test('after a killed load-users, remove-load-users leaves nothing', async () => {
  const before = await countRows();
  const child = startAdmin(env, 'load-users', '20000', `--file=${file}`);
  const isStarted = async () => ((await countRows())?.users as number) > before?.users;
  await until(isStarted, 60_000);
  child.kill('SIGKILL');
  await once(child, 'exit');
  // Postgres completes the statements that were running when their process was killed.
  const connections = () => database`
    select from pg_stat_activity where datname = current_database() and application_name = 'rooms-admin'`;
  await until(async () => (await connections()).length === 0, 60_000);
  await removeLoadUsers(database);
  assert.deepEqual(await countRows(), before);
});
