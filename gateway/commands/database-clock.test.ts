import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../../shared/log.ts';
import { openTestDatabase } from '../../test/support/system.ts';
import { startClock } from './database-clock.ts';

const { database } = await openTestDatabase();

test('the clock converts a time of this process into the time of the database', async () => {
  const clock = await startClock(database, createLog('test', 'silent'));
  const [before] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  const nowMs = clock.toDatabaseTime(Date.now()).getTime();
  const [later] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  const [first, last] = [Date.parse(before?.now ?? ''), Date.parse(later?.now ?? '')];
  assert.ok(nowMs > first - 100 && nowMs < last + 100, `${first} ${nowMs} ${last}`);
  assert.equal(clock.toDatabaseTime(60_000).getTime() - clock.toDatabaseTime(0).getTime(), 60_000);
  clock.stop();
});
