import assert from 'node:assert/strict';
import { cpSync, globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { createTestDatabase } from '../test/support/system.ts';
import { migrate } from './migrate.ts';

/** The SQL folder of release 0.1.0: the numbered files up to 005, and its functions. */
function createFolderOf010(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rooms-sql-'));
  after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'functions'));
  for (const name of globSync('00[1-5]-*.sql', { cwd: import.meta.dirname })) {
    cpSync(join(import.meta.dirname, name), join(folder, name));
  }
  cpSync(join(import.meta.dirname, '../test/support/functions-0.1.0.sql'), join(folder, 'functions/all.sql'));
  return folder;
}

const url = await createTestDatabase();
await migrate(url, createFolderOf010());
const database = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => database.end());

const [ann, roomId, lane] = [newId(), newId(), newId()];
const deadline = new Date(Date.now() + 60_000).toISOString();
const createCommand = (command: string, text: string) => ({
  ...{ id: newId(), ref: newId(), deadline, actorId: ann, roomId, targetId: roomId },
  ...{ command, text, roomType: 'Private' },
});
const commands = [createCommand('CreateRoom', 'a room'), createCommand('CreateMessage', 'Hello World!')];

test('a database of release 0.1.0 upgrades with its messages, and its refs still have one effect', async () => {
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    values (${ann}, 'Ann', 'Testing', 'ann@example.com', '')`;
  await database`select * from apply_room_commands(${database.json(commands)}, ${lane}, 1, false)`;
  await migrate(url);
  const batch = [...commands, createCommand('CreateMessage', 'after the upgrade')];
  const rows = await database<{ code: string | null; isNew: boolean; seq: number; historyIndex: number }[]>`
    select code, is_new, (message).seq, (message).history_index
    from apply_room_commands(${lane}, 2, ${database.json(batch)}, false)`;
  assert.deepEqual(
    rows.map(({ code, isNew, seq, historyIndex }) => [code, isNew, seq, historyIndex]),
    [
      [null, false, 1, 1],
      [null, false, 2, 2],
      [null, true, 3, 3],
    ],
  );
});

test('a worker of release 0.1.0 gets an error from an upgraded database, not wrong rows', async () => {
  const call = database`select * from apply_room_commands(${database.json(commands)}, ${lane}, ${3}::bigint, false)`;
  await assert.rejects(call, { code: '42883' });
});

test('an upgraded database has the functions of the folder, and no other', async () => {
  const folder = join(import.meta.dirname, 'functions');
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const expected = files.flatMap((text) =>
    [...text.matchAll(/create or replace function (\w+)/g)].map(([, name]) => name as string),
  );
  const rows = await database<{ proname: string }[]>`
    select proname from pg_proc where pronamespace = 'public'::regnamespace order by proname`;
  assert.deepEqual(
    rows.map(({ proname }) => proname),
    expected.toSorted(),
  );
});
