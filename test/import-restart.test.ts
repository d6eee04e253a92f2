import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { connectDatabase, type Database } from '../shared/database.ts';
import { readImported, runImport, startImport } from './support/npm-run-import.ts';
import { createOriginal, messageRow, time, userRow, uuid } from './support/original.ts';
import { storeMessage } from './support/stored-messages.ts';
import { openTestDatabase } from './support/system.ts';
import { until } from './support/until.ts';

// More users, rooms, members and messages than one statement stores.
const numbers = Array.from({ length: 1_500 }, (_, index) => index);
const userId = (index: number) => uuid(10_000 + index);
const roomId = (index: number) => uuid(20_000 + index);
const messageOf = (index: number, room: string) =>
  messageRow({ id: uuid(index), room_id: room, user_id: userId(index % 9), created_at: time((index * 7_919) % 997) });

const original = await createOriginal();
await original.insert('users', ...numbers.map((index) => userRow(userId(index), `User${index}`)));
await original.insert(
  'rooms',
  ...numbers.map((index) => {
    const times = { created_at: time(index), updated_at: time(index) };
    return { id: roomId(index), name: `room ${index}`, owner_id: userId(index), room_type: 'Private', ...times };
  }),
);
await original.insert(
  'room_users',
  ...numbers
    .flatMap((index) => [userId(index), userId(0)].map((user_id) => ({ user_id, room_id: roomId(index) })))
    .slice(1),
);
await original.insert(
  'messages',
  ...Array.from({ length: 2_500 }, (_, index) => messageOf(30_000 + index, 'general')),
  ...Array.from({ length: 1_500 }, (_, index) => messageOf(40_000 + index, roomId(0))),
  ...numbers.map((index) => ({
    ...messageOf(50_000 + index, roomId(index)),
    ...{ command: 'AddUser', target_id: userId(0) },
  })),
);

const whole = await openTestDatabase();
assert.equal((await runImport(whole.url, original.url)).code, 0);
const expected = await readImported(whole.database);

/** The key of an advisory lock. While the test has this lock, the import stops at the row with the trigger. */
const LOCK = 4_711;

interface Stop {
  /** Waits until the statement of an import has reached the row. @returns the process id of its Postgres backend */
  reached(): Promise<number>;
  /** The statement continues. */
  release(): Promise<void>;
}

/** Makes the next import stop inside the statement that inserts a row. @param row the SQL of the condition */
async function stopAt(
  { url, database }: { url: string; database: Database },
  table: string,
  row: string,
): Promise<Stop> {
  const holder = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(() => holder.end());
  await database.unsafe(`
    create or replace function wait_for_test() returns trigger language plpgsql as $$
      begin perform pg_advisory_lock_shared(${LOCK}); perform pg_advisory_unlock_shared(${LOCK}); return new; end $$;
    create trigger wait_for_test after insert on ${table} for each row when (${row}) execute function wait_for_test()`);
  await holder`select pg_advisory_lock(${LOCK}::bigint)`;
  const findWaiting = () => database<{ pid: number }[]>`
    select pid from pg_stat_activity
    where application_name = 'rooms-importer' and wait_event = 'advisory' and datname = current_database()`;
  return {
    async reached() {
      await until(
        async () => (await findWaiting()).length === 1,
        30_000,
        () => `no import reached the row of ${table}`,
      );
      return (await findWaiting())[0]?.pid as number;
    },
    async release() {
      await holder`select pg_advisory_unlock(${LOCK}::bigint)`;
      await database.unsafe(`drop trigger wait_for_test on ${table}`);
    },
  };
}

/** The rows at which the import is interrupted. Each is in the second or third statement of its step. */
const interruptedAt: [table: string, row: string][] = [
  ['users', `new.id = '${userId(1_200)}'`],
  ['rooms', `new.id = '${roomId(1_200)}'`],
  ['messages', `new.room_id = '${roomId(0)}' and new.seq = 1100`],
  ['messages', `new.room_id = '${roomId(900)}'`],
  ['messages', `new.room_id = stored_id('general') and new.seq = 2400`],
  ['memberships', `new.room_id = '${roomId(1_200)}'`],
];

test('an import that is killed in each of its steps has the same result as one run', async () => {
  const rooms = await openTestDatabase();
  for (const [index, [table, row]] of interruptedAt.entries()) {
    const stop = await stopAt(rooms, table, row);
    const child = startImport(rooms.url, original.url);
    const pid = await stop.reached();
    child.kill('SIGKILL');
    await once(child, 'close');
    // Either the statement is undone, or it commits after the death of its process.
    if (index % 2 === 0) await rooms.database`select pg_terminate_backend(${pid})`;
    await stop.release();
  }
  const { code, errors, output } = await runImport(rooms.url, original.url);
  assert.deepEqual([code, errors], [0, []]);
  assert.match(output, /^users +1,500 +0 +1,500$/m);
  assert.deepEqual(await readImported(rooms.database), expected);
});

test('an import whose connections Postgres cuts exits with 1, and the next import has the same result as one run', async () => {
  const rooms = await openTestDatabase();
  for (const [server, database] of [
    ['Rooms', rooms.database],
    ['the original', original.database],
  ] as const) {
    const stop = await stopAt(
      rooms,
      'messages',
      `new.room_id = '${roomId(server === 'Rooms' ? 0 : 700)}' and new.seq = 1`,
    );
    const child = startImport(rooms.url, original.url);
    let errorOutput = '';
    child.stderr?.on('data', (data) => (errorOutput += data));
    const exit = once(child, 'close');
    await stop.reached();
    await database`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'rooms-importer' and datname = current_database()`;
    await stop.release();
    assert.equal((await exit)[0], 1, server);
    assert.match(errorOutput, /^[^\n]+\nThe import was interrupted\. Start it again: it continues\.\n$/, server);
  }
  assert.equal((await runImport(rooms.url, original.url)).code, 0);
  assert.deepEqual(await readImported(rooms.database), expected);
});

test('two imports at the same time have the same result as one run', async () => {
  const rooms = await openTestDatabase();
  const results = await Promise.all([1, 2].map(() => runImport(rooms.url, original.url)));
  assert.deepEqual(
    results.map(({ code, errors }) => [code, errors]),
    [
      [0, []],
      [0, []],
    ],
  );
  assert.deepEqual(await readImported(rooms.database), expected);
});

const written = { roomId: 'general', userId: userId(0), command: 'CreateMessage' } as const;

/** Asserts that the import has failed and that `general` has only the message that was written in Rooms. */
async function assertEnded({ code, errors }: Awaited<ReturnType<typeof runImport>>, rooms: Database, reason: string) {
  assert.deepEqual([code, errors[0]], [1, reason]);
  const [general] = await rooms`
    select seq, (select count(*) from messages where room_id = rooms.id) as stored from rooms where id = ${'general'}`;
  assert.deepEqual(general, { seq: 1, stored: 1 });
}

test('a message that somebody writes in Rooms during the import ends the import, and the seqs have no gap', async () => {
  const rooms = await openTestDatabase();
  const stop = await stopAt(rooms, 'users', `new.id = '${userId(0)}'`);
  const run = runImport(rooms.url, original.url);
  await stop.reached();
  assert.equal((await storeMessage(rooms.database, written)).seq, 1);
  await stop.release();
  await assertEnded(await run, rooms.database, 'rooms general: its messages in Rooms are not those of the original');
});

test('a message that commits in Rooms while the import waits for its room ends the import, and the seqs have no gap', async () => {
  const rooms = await openTestDatabase();
  assert.equal((await runImport(rooms.url, (await createOriginal()).url)).code, 0);
  await rooms.database`insert into users (id, first_name, last_name, email, password_hash)
    values (${userId(0)}, 'Ann', 'Example', 'user0@example.com', '')`;
  const writer = connectDatabase(rooms.url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  after(() => writer.end());
  await writer.unsafe('begin');
  await storeMessage(writer, written);
  const run = runImport(rooms.url, original.url);
  const isWaiting = async () => {
    const rows = await rooms.database`
      select from pg_stat_activity where application_name = 'rooms-importer' and wait_event_type = 'Lock'
        and query like '%into messages%' and datname = current_database()`;
    return rows.length === 1;
  };
  await until(isWaiting, 30_000, () => 'the import does not wait for the room');
  await writer.unsafe('commit');
  await assertEnded(await run, rooms.database, 'another process wrote into one of the rooms during the import');
});
