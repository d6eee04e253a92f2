import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServices } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { connectDatabase, type Database, isRefused, type PoolOptions } from './database.ts';
import { TcpProxy } from './local/tcp-proxy.ts';

// What Rooms needs from a driver for Postgres. An upgrade of the driver, or another driver, must pass this suite.

function connect({
  url = testServices().databaseUrl,
  ...options
}: Partial<PoolOptions> & { url?: string } = {}): Database {
  const database = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0, ...options });
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

test('a pool opens all its connections again and no more, after many were lost while statements waited', async () => {
  const [database, operator] = [connect({ max: 8, name: 'rooms-test-pool' }), connect()];
  const end = performance.now() + 2_000;
  let lost = 0;
  const killer = setInterval(async () => {
    const killed = await operator`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'rooms-test-pool' and random() < 0.5`;
    lost += killed.length;
  }, 15);
  const load = async () => {
    while (performance.now() < end || lost < 40) await database`select pg_sleep(0.002)`.catch(() => undefined);
  };
  await Promise.all(Array.from({ length: 40 }, load));
  clearInterval(killer);
  // A connection that opens slowly can leave its statement to another connection, so one try is not enough.
  let connections = 0;
  for (let tries = 0; tries < 50 && connections < 8; tries++) {
    const pids = await Promise.all(Array.from({ length: 8 }, () => retry(() => pidOf(database))));
    connections = new Set(pids.map(([row]) => row?.pid)).size;
  }
  assert.equal(connections, 8, `${lost} connections were lost`);
  await until(async () => {
    const [row] = await operator<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity where application_name = 'rooms-test-pool'`;
    return row?.count === 8;
  });
});

test('statements beyond the connections and the queue of a pool are refused, and so are statements that wait too long', async () => {
  const [database, holder] = [connect({ max: 2, queue: { maxWaiting: 3, maxWaitMs: 50 } }), connect()];
  await holder`select pg_advisory_lock(1)`;
  const nameOfEnd = (statement: Promise<unknown>) =>
    statement.then(
      () => 'done',
      ({ name }) => name as string,
    );
  const running = [1, 2].map(() => nameOfEnd(database`select pg_advisory_lock_shared(1)`));
  const others = [1, 2, 3, 4].map(() => nameOfEnd(database`select 1`));
  assert.deepEqual(await Promise.all(others), Array(4).fill('PoolBusyError'));
  await holder`select pg_advisory_unlock(1)`;
  assert.deepEqual(await Promise.all(running), ['done', 'done']);
  assert.deepEqual(await firstOf(database`select 1 as one`), { one: 1 });
});

test('a statement that is cancelled while it waits for a connection takes no place', async () => {
  const database = connect();
  const running = database`select pg_sleep(0.05)`.execute();
  const waiting = database`select 1`.execute();
  await new Promise(setImmediate);
  waiting.cancel();
  assert.deepEqual(await failureOf(waiting), { code: '57014', refused: false });
  await running;
  assert.deepEqual(await firstOf(database`select 1 as one`), { one: 1 });
});

test('a pool replaces all its connections after Postgres was silent on them, also the idle ones', async () => {
  const proxy = await TcpProxy.open(testServices().databaseUrl);
  after(() => proxy.close());
  const database = connect({ max: 4, timeout: 1_000, url: proxy.url });
  const four = () => Promise.all(Array.from({ length: 4 }, () => retry(() => pidOf(database))));
  await four();
  const deaf = [...proxy.links];
  assert.equal(proxy.cut('deaf'), 4);
  assert.equal((await failureOf(database`select 1`)).refused, false);
  await until(() => deaf.every((link) => !proxy.links.has(link)));
  assert.equal(new Set((await four()).map(([row]) => row?.pid)).size, 4);
});

test('after a login that Postgres refuses, the next statement opens a connection, and no other one stays open', async () => {
  const { databaseUrl } = testServices();
  const proxy = await TcpProxy.open(databaseUrl);
  after(() => proxy.close());
  const name = new URL(databaseUrl).pathname.slice(1);
  const rename = (bytes: string) => bytes.replace(`database\0${name}\0`, `database\0${'-'.repeat(name.length)}\0`);
  proxy.onRequest = (bytes) => Buffer.from(rename(bytes.toString('latin1')), 'latin1');
  const database = connect({ url: proxy.url });
  const refused = failureOf(database`select 1`).finally(() => proxy.heal());
  const next = firstOf(database`select 2 as two`);
  assert.deepEqual(await refused, { code: '3D000', refused: false });
  assert.deepEqual(await next, { two: 2 });
  await until(() => proxy.links.size === 1);
});

test('a pool finds out without a statement that Postgres is silent', async () => {
  const proxy = await TcpProxy.open(testServices().databaseUrl);
  after(() => proxy.close());
  const database = connect({ timeout: 1_000, url: proxy.url });
  await database`select 1`;
  proxy.cut('deaf');
  await until(() => proxy.links.size === 0);
  assert.deepEqual(await firstOf(database`select 1 as one`), { one: 1 });
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
