import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../shared/log.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { startClock } from './database-clock.ts';

const { database } = await openTestDatabase();

test('the clock converts a time of this process into the time of the database', async () => {
  const startedAt = performance.now();
  const clock = await startClock(database, createLog('test', 'silent'));
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
