import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Database } from '../shared/database.ts';
import { roomCommand, roomCommands } from '../test/support/sql-room-commands.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { connectAsTest } from '../test/support/test-database.ts';

const MANY_USERS = 3_000;
/** Far below the users of the server. */
const MAX_ROWS = 1_000;

const { database, url } = await openTestDatabase();
const { apply, createUser, createRoom } = roomCommands(database);

const people = {
  smith: 'Anna Smith',
  jones: 'Anna Jones',
  maria: 'Anna Maria|Lopez',
  bob: "Bob O'Neil",
  zed: 'Zed Stone',
};
const idOf: Record<string, string> = {};
let roomId = '';

before(async () => {
  for (const [key, name] of Object.entries(people)) {
    const [first = '', last = ''] = name.split(name.includes('|') ? '|' : ' ');
    idOf[key] = await createUser(first);
    await database`update users set last_name = ${last} where id = ${idOf[key]}`;
  }
  roomId = await createRoom(idOf.bob as string);
  const members = ['smith', 'jones', 'maria'].map((key) => idOf[key] as string);
  await apply(...members.map((targetId) => roomCommand('AddUser', idOf.bob as string, roomId, { targetId })));
});

/** Returns the keys of the members that a text mentions. */
async function mentionedIn(text: string, id = roomId, session = database): Promise<string[]> {
  const [row] = await session<{ mentions: string[] | null }[]>`select mentioned_members(${id}, ${text}) as mentions`;
  return (row?.mentions ?? []).map((userId) => Object.keys(idOf).find((key) => idOf[key] === userId) ?? userId).sort();
}

const cases: Record<string, string[]> = {
  'Hello @Bob': ['bob'],
  '@bob, @BOB and (@Bob)': ['bob'],
  '@Anna': ['jones', 'smith'],
  '@anna smith, hello': ['smith'],
  '@Anna Maria, hello': ['maria'],
  '@Anna Marianne': ['jones', 'smith'],
  '@Anna Jones and @Anna Maria Lopez': ['jones', 'maria'],
  "@Bob O'Neil's room": ['bob'],
  '@@Bob': ['bob'],
  // Not a member.
  '@Zed': [],
  '@Bobby': [],
  'bob@bob.example': [],
  'anna.smith@anna': [],
  '@ Bob': [],
  '@': [],
  '@%': [],
  '@Bob@Anna': ['bob'],
};

for (const [text, expected] of Object.entries(cases))
  test(`${JSON.stringify(text)} mentions ${expected.join(' and ') || 'nobody'}`, async () => {
    assert.deepEqual(await mentionedIn(text), expected);
  });

test('only the first ten @ of a text count, and a text mentions at most ten members', async () => {
  assert.deepEqual(await mentionedIn(`${'@nobody '.repeat(9)}@Bob`), ['bob']);
  assert.deepEqual(await mentionedIn(`${'@nobody '.repeat(10)}@Bob`), []);
  const added = await Promise.all(Array.from({ length: 11 }, () => createUser('Many')));
  const owner = idOf.bob as string;
  await apply(...added.map((targetId) => roomCommand('AddUser', owner, roomId, { targetId })));
  const found = await mentionedIn('@Bob @many');
  assert.equal(found.length, 10);
  assert.ok(found.includes('bob'), `${found}`);
});

test('in a room of very many members, a text reads few rows, also with a plan from an empty database', async () => {
  // One session makes the plan first, and then uses it.
  const worker = connectAsTest(url, 1);
  assert.deepEqual(await mentionedIn('@Bob', 'general', worker), ['bob']);
  // In the same session, so that what the keys of these rows read is counted before the text.
  await worker`
    with added as (
      insert into users (id, first_name, last_name, email, password_hash)
      select gen_random_uuid(), 'Common', 'Name ' || n, n || '@example.com', '' from generate_series(1, ${MANY_USERS}) n
      returning id
    )
    insert into memberships (room_id, user_id) select rooms.id, added.id from rooms, added where owner_id is null`;
  const last = await createUser('Lastcomer');
  idOf.last = last;
  const before = await countRowsRead(worker);
  const text = `@Lastcomer @Common ${'@Common Name 7 and more words '.repeat(8)}`;
  const found = await mentionedIn(text, 'general', worker);
  const rows = (await countRowsRead(worker)) - before;
  await worker.end();
  assert.ok(found.includes('last') && found.length === 10, `${found}`);
  assert.ok(rows <= MAX_ROWS, `${rows} rows were read`);
});

/** Returns how many rows were read by an index. First reports the rows that this session has read. */
async function countRowsRead(session: Database): Promise<number> {
  await session`select pg_stat_force_next_flush()`;
  const [row] = await session<{ count: number }[]>`
    select (select sum(idx_tup_read) from pg_stat_user_indexes) + (select sum(seq_tup_read) from pg_stat_user_tables) as count`;
  return Number(row?.count);
}

test('an edit replaces the mentions of a message, and a deletion removes them', async () => {
  const { bob = '', smith = '', jones = '' } = idOf;
  const write = roomCommand('CreateMessage', bob, roomId, { text: '@Anna Smith' });
  const change = (command: 'UpdateMessage' | 'DeleteMessage', text: string) =>
    roomCommand(command, bob, roomId, { targetId: write.id, text });
  const state = async () => {
    const rows = await database<{ mentions: string[] | null }[]>`
      select mentions from messages where id = ${write.id} or target_id = ${write.id} order by seq`;
    const counted = await database<{ userId: string }[]>`
      select user_id from mentions where room_id = ${roomId} and seq = (select seq from messages where id = ${write.id})`;
    return [...rows.map(({ mentions }) => mentions), counted.map(({ userId }) => userId)];
  };
  await apply(write);
  assert.deepEqual(await state(), [[smith], [smith]]);
  await apply(change('UpdateMessage', '@Anna Jones'));
  assert.deepEqual(await state(), [[jones], [jones], [jones]]);
  await apply(change('UpdateMessage', 'nobody'));
  assert.deepEqual(await state(), [null, null, null, []]);
  await apply(change('UpdateMessage', '@Anna Jones'), change('DeleteMessage', ''));
  assert.deepEqual(await state(), [null, null, null, null, null, []]);
  await apply(roomCommand('UpdateRoom', bob, roomId, { text: '@Anna Smith' }));
  const [rename] = await database`select mentions from messages where room_id = ${roomId} order by seq desc limit 1`;
  assert.equal(rename?.mentions, null);
});
