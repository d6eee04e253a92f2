import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServices } from '../test/support/system.ts';
import { connectDatabase, type Database, isRefused } from './database.ts';

// What Rooms needs from a driver for Postgres. An upgrade of the driver, or another driver, must pass this suite.

function connect({ max = 1, timeout = 0, readOnly = false } = {}): Database {
  const database = connectDatabase(testServices().databaseUrl, { name: 'rooms-test', max, readOnly, timeout });
  after(() => database.end({ timeout: 0 }));
  return database;
}

async function failureOf(statement: Promise<unknown>): Promise<{ code?: string; refused: boolean }> {
  const error = await statement.then(
    () => assert.fail('the statement succeeded'),
    (reason: { code?: string }) => reason,
  );
  return { ...(error.code && { code: error.code }), refused: isRefused(error) };
}

async function firstOf(statement: Promise<Iterable<unknown>>): Promise<unknown> {
  const [row] = await statement;
  return row;
}

/** Repeats a statement until it succeeds. A driver may report one lost connection to several statements. */
async function retry<T>(statement: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await statement();
    } catch (error) {
      assert.equal(isRefused(error), false, String(error));
    }
  }
}

const pidOf = (database: Database) => database<{ pid: number }[]>`select pg_backend_pid() as pid, pg_sleep(0.02)`;
const terminate = (database: Database) => database`select pg_terminate_backend(pg_backend_pid()), pg_sleep(10)`;

test('an error between two rows rejects the statement, and the next result is never wrong', async () => {
  const database = connect();
  const failing = database`select 1 / (500 - g), repeat('x', 100) from generate_series(1, 1000) g`;
  assert.deepEqual(await failureOf(failing), { code: '22012', refused: true });
  const rows = await retry(() => database`select g from generate_series(1, 2) g`);
  assert.deepEqual(Array.from(rows), [{ g: 1 }, { g: 2 }]);
});

test('if a connection is lost, its statement is rejected, and `isRefused` is false for the error', async () => {
  const database = connect();
  assert.equal((await failureOf(terminate(database))).refused, false);
  assert.deepEqual(await retry(() => firstOf(database`select 1 as one`)), { one: 1 });
});

test('Postgres cancels a statement after the timeout, and the connection stays', async () => {
  const database = connect({ timeout: 50 });
  const before = await firstOf(database`select pg_backend_pid()`);
  assert.deepEqual(await failureOf(database`select pg_sleep(10)`), { code: '57014', refused: false });
  assert.deepEqual(await firstOf(database`select pg_backend_pid()`), before);
});

test('a cancelled statement is rejected, and the pool runs the next statement', async () => {
  const [database, watcher] = [connect(), connect()];
  const slow = database`select pg_sleep(10.5)`.execute();
  const failure = failureOf(slow);
  await retry(async () => {
    const sleeping =
      await watcher`select from pg_stat_activity where query = 'select pg_sleep(10.5)' and state = 'active'`;
    if (sleeping.length === 0) throw new Error('the statement has not started');
  });
  slow.cancel();
  assert.deepEqual(await failure, { code: '57014', refused: false });
  assert.deepEqual(await firstOf(database`select 1 as one`), { one: 1 });
});

test('`end` waits for the running statements of a pool and rejects later statements', async () => {
  // There are as many connections as statements, so no statement waits for a connection. The driver never closes a
  // connection that it opens for a waiting statement.
  const database = connect({ max: 3 });
  const running = [1, 2, 3].map((n) => firstOf(database`select ${n}::int as n, pg_sleep(0.02) is null as slept`));
  await new Promise(setImmediate);
  await database.end();
  assert.deepEqual(
    await Promise.all(running),
    [1, 2, 3].map((n) => ({ n, slept: false })),
  );
  assert.equal((await failureOf(database`select 1`)).refused, false);
});

test('`end` with a timeout rejects the statements that still run after the timeout', async () => {
  const database = connect();
  const failures = [1, 2].map(() => failureOf(database`select pg_sleep(0.3)`));
  await new Promise(setImmediate);
  await database.end({ timeout: 0.05 });
  for (const failure of failures) assert.equal((await failure).refused, false);
});

test('a pool opens all its connections again, even after each connection was lost five times', async () => {
  const database = connect({ max: 4 });
  const four = <T>(statement: () => Promise<T>) => Promise.all(Array.from({ length: 4 }, statement));
  for (let round = 0; round < 5; round++) await four(() => terminate(database).catch(() => undefined));
  // A connection that opens slowly can leave its statement to another connection, so one try is not enough.
  let connections = 0;
  for (let tries = 0; tries < 50 && connections < 4; tries++) {
    const pids = await four(() => retry(() => pidOf(database)));
    connections = new Set(pids.map(([row]) => row?.pid)).size;
  }
  assert.equal(connections, 4);
});

test('integers of 64 bits are numbers in both directions', async () => {
  const database = connect();
  const values = [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
  for (const value of values) {
    assert.deepEqual(await firstOf(database`select ${value}::bigint as value`), { value });
  }
  assert.deepEqual(await firstOf(database`select count(*) from generate_series(1, 3)`), { count: 3 });
});

test('timestamps are RFC 3339 text in UTC with milliseconds in both directions', async () => {
  const database = connect();
  const at = '2026-02-28T23:59:59.007Z';
  assert.deepEqual(await firstOf(database`select ${at}::timestamptz as at`), { at });
  assert.deepEqual(await firstOf(database`select '2026-03-01 00:59:59.0074+01'::timestamptz as at`), { at });
});

test('jsonb values stay the same in both directions', async () => {
  const database = connect();
  const value = { list: [1, 'two', null, { three: true }], text: '"\\\n\u2028💬', empty: {}, number: -1.5e-7 };
  assert.deepEqual(await firstOf(database`select ${database.json(value)}::jsonb as value`), { value });
  const [row] = await database<{ text: string }[]>`select ${database.json(value)}::jsonb ->> 'text' as text`;
  assert.equal(row?.text, value.text);
});

test('null is a value, and undefined is an error', async () => {
  const database = connect();
  assert.deepEqual(await firstOf(database`select ${null}::text as value`), { value: null });
  const missing = undefined as unknown as null;
  assert.deepEqual(await failureOf(database`select ${missing}::text`), { code: 'UNDEFINED_VALUE', refused: false });
});

test('a pool for reads cannot write', async () => {
  const database = connect({ readOnly: true });
  assert.deepEqual(await failureOf(database`create table written ()`), { code: '25006', refused: false });
});
