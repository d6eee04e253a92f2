import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectDatabase } from '../../shared/database.ts';
import { createLog } from '../../shared/log.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';
import { startClock } from './database-clock.ts';

const HOUR_MS = 3_600_000;

const { url, database } = await openTestDatabase();
const log = createLog('test', 'silent');

test('the clock converts a time of this process into the time of the database', async () => {
  const startedAt = performance.now();
  const clock = await startClock(database, log);
  // The error is at most half of the time that the read took.
  const maxErrorMs = performance.now() - startedAt;
  const [before] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  const nowMs = Date.parse(clock.toDatabaseTime(performance.now()));
  const [later] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  const [first, last] = [Date.parse(before?.now ?? ''), Date.parse(later?.now ?? '')];
  assert.ok(nowMs > first - maxErrorMs && nowMs < last + maxErrorMs, `${first} ${nowMs} ${last}`);
  assert.equal(Date.parse(clock.toDatabaseTime(60_000)) - Date.parse(clock.toDatabaseTime(0)), 60_000);
  clock.stop();
});

test('after the clock of the database has jumped by an hour, the clock follows', async () => {
  await database`create table jump as select interval '0' as length`;
  await database`
    create function public.clock_timestamp() returns timestamptz language sql
    return pg_catalog.clock_timestamp() + (select length from jump)`;
  // With this search path, new connections use this function.
  await database.unsafe(`alter database ${new URL(url).pathname.slice(1)} set search_path = public, pg_catalog`);
  const jumping = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
  const clock = await startClock(jumping, log);
  const nowMs = () => Date.parse(clock.toDatabaseTime(performance.now()));
  assert.ok(nowMs() < Date.now() + HOUR_MS / 2);
  await database`update jump set length = interval '1 hour'`;
  await until(() => nowMs() > Date.now() + HOUR_MS / 2);
  await database`update jump set length = interval '0'`;
  await until(() => nowMs() < Date.now() + HOUR_MS / 2);
  clock.stop();
  await jumping.end();
});
