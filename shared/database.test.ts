import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServices } from '../test/support/system.ts';
import { connectDatabase, type Database, isRefused } from './database.ts';

function connect({ max = 1, timeout = 0, readOnly = false } = {}): Database {
  const database = connectDatabase(testServices().databaseUrl, { name: 'rooms-test', max, readOnly, timeout });
  after(() => database.end());
  return database;
}

test('the settings of a read-only connection reach Postgres', async () => {
  const database = connect({ readOnly: true });
  const [settings] = await database`
    select current_setting('default_transaction_read_only') as read_only, current_setting('plan_cache_mode') as plans,
      current_setting('enable_seqscan') as seqscan, current_setting('jit') as jit`;
  assert.deepEqual({ ...settings }, { readOnly: 'on', plans: 'force_generic_plan', seqscan: 'off', jit: 'off' });
});

/** Runs a statement that fails after three rows. */
const failBetweenRows = (database: Database) =>
  assert.rejects(database`select 1 / (4 - g) from generate_series(1, ${9}::int) g`, /division by zero/);

const FIVE = [{ g: 1 }, { g: 2 }, { g: 3 }, { g: 4 }, { g: 5 }];
const readFive = (database: Database) => database<{ g: number }[]>`select g from generate_series(1, ${5}::int) g`;

/** @returns whether the guard refused the read. @throws AssertionError if the result is wrong */
async function isReadRefused(read: Promise<{ g: number }[]>): Promise<boolean> {
  try {
    assert.deepEqual(Array.from(await read), FIVE);
    return false;
  } catch (error) {
    assert.match(String(error), /^Error: postgres: the result of a statement is incomplete$/);
    assert.equal(isRefused(error), false);
    return true;
  }
}

/** Returns the process id of each connection of a pool. The sleep makes each statement use another connection. */
async function serversOf(database: Database, connections: number): Promise<number[]> {
  const statements = Array.from(
    { length: connections },
    () => database<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(0.02)`,
  );
  return (await Promise.all(statements)).map(([row]) => row?.pid as number);
}

test('after a timeout between two rows, the next read is refused, and the connection ends', async () => {
  const database = connect({ timeout: 100 });
  const before = await serversOf(database, 1);
  const slow = database`select g, pg_sleep(case g when 4 then 10 else 0 end) from generate_series(1, 9) g`;
  await assert.rejects(slow, /statement timeout/);
  assert.equal(await isReadRefused(readFive(database)), true);
  assert.notDeepEqual(await serversOf(database, 1), before);
  assert.equal(await isReadRefused(readFive(database)), false);
});

test('the guard also works for the first statements of a connection', async () => {
  const database = connect();
  await failBetweenRows(database);
  assert.equal(await isReadRefused(readFive(database)), true);
  assert.equal(await isReadRefused(readFive(database)), false);
});

test('only the connection with the wrong result ends', async () => {
  const database = connect({ max: 3 });
  const before = await serversOf(database, 3);
  await failBetweenRows(database);
  while (!(await isReadRefused(readFive(database))));
  const now = new Set(await serversOf(database, 3));
  assert.equal(before.filter((pid) => now.has(pid)).length, 2);
});

test('after a connection is lost between two rows, no read returns wrong rows', async () => {
  const database = connect();
  const terminate = (g: number) => database`case g when ${g}::int then pg_terminate_backend(pg_backend_pid()) end`;
  await assert.rejects(database`select ${terminate(4)} from generate_series(1, 9) g`);
  for (;;) {
    // The driver reports a lost connection to more than one statement.
    const rows = await readFive(database).catch(() => undefined);
    if (rows) return assert.deepEqual(Array.from(rows), FIVE);
  }
});

test('the guard also works for a text of several statements', async () => {
  const database = connect();
  await failBetweenRows(database);
  await assert.rejects(database.unsafe('select 1 as one; select 2 as two'), /incomplete/);
  const results = await database.unsafe('select 1 as one; select 2 as two');
  assert.deepEqual(
    results.map((rows) => Array.from(rows)),
    [[{ one: 1 }], [{ two: 2 }]],
  );
});

test('every kind of complete result passes the guard', async () => {
  const database = connect();
  const numbers = database`select g from generate_series(1, 3) g`;
  const odd = await database`select n.g from (${numbers}) n where n.g in ${database([1, 3])}`;
  assert.deepEqual(Array.from(odd), [{ g: 1 }, { g: 3 }]);
  assert.deepEqual(Array.from(await database`select 1 as ${database('a_b')} where false`), []);
  assert.deepEqual(Array.from(await database`show statement_timeout`), [{ statementTimeout: '0' }]);
  const text = 'create temp table t (n int); insert into t values (1), (2); select n from t; drop table t';
  const [, rows] = await database.unsafe(text);
  assert.deepEqual(Array.from(rows as Iterable<unknown>), [{ n: 1 }, { n: 2 }]);
});
