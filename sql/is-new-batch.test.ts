import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { newId } from '../shared/contract/ids.ts';
import { connectDatabase } from '../shared/database.ts';
import { placeOfBatch } from '../test/support/batch-order.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';

const { database, url } = await openTestDatabase();
/** A connection of its own: the session holds locks. */
const session = connectDatabase(url, { name: 'rooms-test', max: 1, readOnly: false, timeout: 0 });
after(() => session.end());

async function placeInPostgres(
  laneKey: string,
  number: number,
  follows: number | null,
  name: 'is_new_batch' | 'is_unapplied' = 'is_new_batch',
): Promise<string> {
  try {
    const [row] = await database`select ${database(name)}(${laneKey}, ${number}, ${follows}) as is_new`;
    return row?.isNew ? 'new' : 'copy';
  } catch (error) {
    if ((error as { code?: string }).code === 'RB001') return 'early';
    throw error;
  }
}

const numbers = [0, 1, 2, 3];
const cases = [null, ...numbers].flatMap((applied) =>
  numbers.flatMap((number) => [null, ...numbers.slice(0, number)].map((follows) => ({ applied, number, follows }))),
);

test('a batch is new, a copy or early, and the rule of the simulation of lanes is the same', async () => {
  for (const { applied, number, follows } of cases) {
    const laneKey = newId();
    if (applied !== null) await placeInPostgres(laneKey, applied, null);
    const foreseen = await placeInPostgres(laneKey, number, follows, 'is_unapplied');
    const place = await placeInPostgres(laneKey, number, follows);
    assert.equal(foreseen, place);
    assert.equal(place, placeOfBatch(applied, number, follows), JSON.stringify({ applied, number, follows }));
    const [row] = await database`select number from lanes where lane_key = ${laneKey}`;
    assert.equal(row?.number ?? null, place === 'new' ? number : applied);
  }
});

/** Starts a batch whose statement does not end before `end` is called. */
async function startSlowBatch(laneKey: string, number: number) {
  const key = Math.floor(Math.random() * 1e9);
  await session`select pg_advisory_lock(${key}::int)`;
  const finished = database`select is_new_batch(${laneKey}, ${number}, null), pg_advisory_xact_lock(${key}::int)`;
  finished.execute();
  await untilWaiting(1);
  return async () => {
    await session`select pg_advisory_unlock(${key}::int)`;
    await finished;
  };
}

const untilWaiting = (count: number) =>
  until(async () => {
    const rows = await session`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    return rows.length === count;
  });

test('a batch waits for the batch before it while that batch is being applied', async () => {
  const laneKey = newId();
  await placeInPostgres(laneKey, 0, null);
  const end = await startSlowBatch(laneKey, 1);
  const second = placeInPostgres(laneKey, 2, 1);
  await untilWaiting(2);
  await end();
  assert.equal(await second, 'new');
});

test('of two batches that wait for the same lane, each gets its true place', async () => {
  const laneKey = newId();
  await placeInPostgres(laneKey, 0, null);
  const end = await startSlowBatch(laneKey, 1);
  const places = [placeInPostgres(laneKey, 2, 1), placeInPostgres(laneKey, 1, null), placeInPostgres(laneKey, 2, 1)];
  await untilWaiting(4);
  await end();
  const [first, copy, second] = await Promise.all(places);
  assert.equal(copy, 'copy');
  assert.deepEqual([first, second].toSorted(), ['copy', 'new']);
});
