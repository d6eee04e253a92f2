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

const [ann, bob, roomId, deletedRoomId, lane] = [newId(), newId(), newId(), newId(), newId()];
const deadline = new Date(Date.now() + 60_000).toISOString();
const createCommand = (command: string, text: string) => ({
  ...{ id: newId(), ref: newId(), deadline, actorId: ann, roomId, targetId: roomId },
  ...{ command, text, roomType: 'Private' },
});
const commands = [createCommand('CreateRoom', 'a room'), createCommand('CreateMessage', 'Hello World!')];
const [rename, edited, deleted] = [
  createCommand('UpdateRoom', 'another name'),
  createCommand('CreateMessage', 'first text'),
  createCommand('CreateMessage', 'soon gone'),
];
const [former] = await database<{ id: string }[]>`select id from rooms where name = 'general'`;
const formerGeneralId = former?.id as string;
const inRoom = (id: string, command: string, text: string, targetId = id) => {
  const { roomType: _, ...fields } = createCommand(command, text);
  return { ...fields, roomId: id, targetId };
};
const inGeneral = inRoom(formerGeneralId, 'CreateMessage', 'in general');
const editedInGeneral = inRoom(formerGeneralId, 'CreateMessage', 'first text in general');
const editInGeneral = inRoom(formerGeneralId, 'UpdateMessage', 'second text in general', editedInGeneral.id);

test('a database of release 0.1.0 upgrades with its messages, and its refs still have one effect', async () => {
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    values (${ann}, 'Ann', 'Testing', 'ann@example.com', '')`;
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    values (${bob}, 'Bob', 'Testing', 'bob@example.com', '')`;
  await database`insert into memberships (room_id, user_id) values (${formerGeneralId}, ${ann})`;
  const changes = [
    { ...createCommand('UpdateMessage', 'text in between'), targetId: edited.id },
    { ...createCommand('UpdateMessage', 'second text'), targetId: edited.id },
    { ...createCommand('UpdateMessage', 'soon gone too'), targetId: deleted.id },
    { ...createCommand('DeleteMessage', ''), targetId: deleted.id },
  ];
  const inDeleted = (command: string, targetId: string) => ({
    ...{ ...createCommand(command, 'soon deleted'), roomId: deletedRoomId, targetId },
  });
  const ofMembers = [
    inDeleted('CreateRoom', deletedRoomId),
    ...['AddUser', 'RemoveUser', 'AddUser'].map((command) => inDeleted(command, bob)),
    inDeleted('DeleteRoom', deletedRoomId),
  ];
  const ofRoom = [...commands, rename, edited, deleted, ...changes];
  const former = [...ofMembers, ...ofRoom, inGeneral, editedInGeneral, editInGeneral];
  await database`select * from apply_room_commands(${database.json(former)}, ${lane}, 1, false)`;
  await migrate(url);
  const batch = [...commands, createCommand('CreateMessage', 'after the upgrade')];
  const rows = await database<{ code: string | null; isNew: boolean; seq: number; historyIndex: number }[]>`
    select code, is_new, (message).seq, (message).history_index
    from apply_room_commands(${lane}, 2, null, ${database.json(batch)}, null, '{}', false, null)`;
  assert.deepEqual(
    rows.map(({ code, isNew, seq, historyIndex }) => [code, isNew, seq, historyIndex]),
    [
      [null, false, 1, 1],
      [null, false, 2, 2],
      [null, true, 10, 6],
    ],
  );
});

test('after an upgrade, the memberships that ended before it are known', async () => {
  const rows = await database`
    select room_id, user_id, first_seq, last_seq from ended_memberships order by last_seq, first_seq`;
  assert.deepEqual(
    rows.map(({ roomId, userId, firstSeq, lastSeq }) => [roomId, userId, firstSeq, lastSeq]),
    [
      [deletedRoomId, bob, 2, 3],
      [deletedRoomId, ann, 1, 5],
      [deletedRoomId, bob, 4, 5],
    ],
  );
});

test('an upgrade gives messages their texts, marks edited and deleted ones, and erases replaced edits', async () => {
  const rows = await database`
    select command, text, name, last_change from messages where room_id = ${roomId} order by seq limit 9`;
  assert.deepEqual(
    rows.map(({ command, text, name, lastChange }) => [command, text, name, lastChange]),
    [
      ['CreateRoom', 'Room created', 'a room', null],
      ['CreateMessage', 'Hello World!', null, null],
      ['UpdateRoom', 'Room updated', 'another name', null],
      ['CreateMessage', 'second text', null, 'UpdateMessage'],
      ['CreateMessage', '', null, 'DeleteMessage'],
      ['UpdateMessage', '', null, null],
      ['UpdateMessage', 'second text', null, null],
      ['UpdateMessage', '', null, null],
      ['DeleteMessage', '', null, null],
    ],
  );
});

test('after an upgrade, a ref of a command in general still has one effect, with the new id of the room', async () => {
  const general = { roomId: 'general', targetId: 'general' };
  const batch = [
    { ...inGeneral, ...general },
    { ...editInGeneral, roomId: 'general' },
    { ...editedInGeneral, ...general },
  ];
  const rows = await database<{ code: string | null; isNew: boolean; seq: number | null }[]>`
    select code, is_new, (message).seq from apply_room_commands(${lane}, 3, null, ${database.json(batch)}, null, '{}', false, null)`;
  assert.deepEqual(
    rows.map(({ code, isNew, seq }) => [code, isNew, seq]),
    [
      [null, false, 1],
      [null, false, 3],
      // The migration cannot make the fingerprint of an edited message again.
      ['ref_reused', false, null],
    ],
  );
});

test('an upgrade moves the members and the messages of general to the id general', async () => {
  const rooms =
    await database`select id, name, seq, history_length, owner_id from rooms where id not in (${roomId}, ${deletedRoomId}) order by id`;
  assert.deepEqual(
    rooms.map((room) => ({ ...room })),
    [
      { id: 'general', name: 'General', seq: 3, historyLength: 2, ownerId: null },
      { id: 'announcements', name: 'Announcements', seq: 0, historyLength: 0, ownerId: null },
    ],
  );
  const rows = await database`
    select id, target_id, last_change from messages where room_id = ${'general'} order by seq`;
  assert.deepEqual(
    rows.map(({ id, targetId, lastChange }) => [id, targetId, lastChange]),
    [
      [inGeneral.id, 'general', null],
      [editedInGeneral.id, 'general', 'UpdateMessage'],
      [editInGeneral.id, editedInGeneral.id, null],
    ],
  );
  const members = await database`select user_id from memberships where room_id = ${'general'}`;
  assert.deepEqual([...members], [{ userId: ann }]);
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
