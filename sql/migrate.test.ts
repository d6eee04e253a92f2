import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { connectDatabase } from '../shared/database.ts';
import { roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { createTestDatabase } from '../test/support/system.ts';
import { migrate } from './migrate.ts';

const folder = mkdtempSync(join(tmpdir(), 'rooms-sql-'));
after(() => rmSync(folder, { recursive: true }));
cpSync(import.meta.dirname, folder, { recursive: true });

const url = await createTestDatabase();
const database = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => database.end());

test('if four processes migrate at the same time, each file is applied once', async () => {
  const applied = await Promise.all(Array.from({ length: 4 }, () => migrate(url, folder)));
  const numbered = applied.flat().filter((name) => name === '001-tables.sql');
  assert.equal(numbered.length, 1);
  const rooms = await database`select name, room_type from rooms order by name`;
  assert.deepEqual(
    rooms.map(({ name, roomType }) => [name, roomType]),
    [
      ['Announcements', 'ReadOnly'],
      ['General', 'Public'],
    ],
  );
  assert.deepEqual(await migrate(url, folder), []);
});

test('a function is replaced when the text of its file changes', async () => {
  const file = join(folder, 'functions/answer.sql');
  writeFileSync(file, 'create or replace function answer() returns int language sql as $$ select 41 $$;');
  assert.deepEqual(await migrate(url, folder), ['functions/answer.sql']);
  writeFileSync(file, 'create or replace function answer() returns int language sql as $$ select 42 $$;');
  assert.deepEqual(await migrate(url, folder), ['functions/answer.sql']);
  const [row] = await database`select answer()`;
  assert.equal(row?.answer, 42);
});

test('a function may call a function of a later file', async () => {
  const first = join(folder, 'functions/a-first.sql');
  const last = join(folder, 'functions/z-last.sql');
  writeFileSync(first, 'create or replace function a_first() returns int language sql as $$ select z_last() $$;');
  writeFileSync(last, 'create or replace function z_last() returns int language sql as $$ select 43 $$;');
  assert.deepEqual(await migrate(url, folder), ['functions/a-first.sql', 'functions/z-last.sql']);
  const [row] = await database`select a_first() as answer`;
  assert.equal(row?.answer, 43);
  rmSync(first);
  rmSync(last);
});

test('an error in the body of a function names its file, even if only a table has changed', async () => {
  const broken = join(folder, 'functions/broken.sql');
  writeFileSync(broken, 'create or replace function broken() returns int language sql as $$ select nonsense $$;');
  await assert.rejects(migrate(url, folder), /^Error: sql\/functions\/broken\.sql: column "nonsense" does not exist/);
  rmSync(broken);

  const renamed = join(folder, '999-renamed.sql');
  writeFileSync(
    renamed,
    '-- A character of two UTF-16 units: 😀\nalter table users rename column roles to other_roles;',
  );
  await assert.rejects(migrate(url, folder), /^Error: sql\/functions\/is-admin\.sql: column u\.roles does not exist/);
  rmSync(renamed);
});

test('the error of a failed file names the file, and no change of the file stays', async () => {
  const file = join(folder, '002-broken.sql');
  writeFileSync(file, 'create table half (id int); select nonsense();');
  await assert.rejects(migrate(url, folder), /sql\/002-broken\.sql: function nonsense\(\) does not exist/);
  const half = await database`select from pg_tables where tablename = 'half'`;
  assert.equal(half.length, 0);
  rmSync(file);
});

test('a numbered file that changes after it was applied is refused', async () => {
  appendFileSync(join(folder, '001-tables.sql'), '-- changed');
  await assert.rejects(migrate(url, folder), /sql\/001-tables\.sql has changed after it was applied/);
});

test('messages that were stored before the column history_index existed get a value', async () => {
  const former = mkdtempSync(join(tmpdir(), 'rooms-sql-'));
  after(() => rmSync(former, { recursive: true }));
  mkdirSync(join(former, 'functions'));
  for (const name of ['001-tables.sql', '002-edits.sql', '003-lanes.sql']) {
    cpSync(join(import.meta.dirname, name), join(former, name));
  }
  const elsewhere = await createTestDatabase();
  await migrate(elsewhere, former);
  const sql = connectDatabase(elsewhere, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(() => sql.end());
  const commands = ['CreateRoom', 'CreateMessage', 'UpdateMessage', 'CreateMessage', 'DeleteMessage', 'AddUser'];
  await sql`update rooms set seq = ${commands.length} where name = 'general'`;
  for (const [index, command] of commands.entries()) {
    await sql`
      insert into messages (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint)
      select id, ${index + 1}, gen_random_uuid(), id, ${command}, id, '', now(), now(), gen_random_uuid(), 0
      from rooms where name = 'general'`;
  }
  await migrate(elsewhere);
  const indexes = await sql`select history_index from messages order by seq`;
  assert.deepEqual(
    indexes.map(({ historyIndex }) => historyIndex),
    [1, 2, 2, 3, 3, 4],
  );
  const rooms = await sql`select name, history_length from rooms order by name`;
  assert.deepEqual(
    rooms.map(({ name, historyLength }) => [name, historyLength]),
    [
      ['Announcements', 0],
      ['General', 4],
    ],
  );
});

test('the functions work without a change when the table messages gets a new column', async () => {
  const wider = await createTestDatabase();
  await migrate(wider);
  const sql = connectDatabase(wider, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(() => sql.end());
  const { apply, createUser, createRoom } = roomCommands(sql);
  const ann = await createUser();
  const roomId = await createRoom(ann);
  const write = () => roomCommand('CreateMessage', ann, roomId);
  // The connection has plans for the old columns now.
  await apply(write());
  await sql`alter table messages add column pinned boolean not null default false`;
  const target = write();
  const outcomes = await apply(target, target, roomCommand('UpdateMessage', ann, roomId, { targetId: target.id }));
  assert.deepEqual(
    outcomes.map(({ message }) => message?.pinned),
    [false, false, false],
  );
});
