import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from '../shared/log.ts';
import { openTestDatabase } from '../test/support/system.ts';
import { applyBatch } from './apply-batch.ts';

const { database } = await openTestDatabase();
const log = createLog('test', 'silent');

interface Row {
  commandId: string;
  code: string | null;
}

/** Applies a batch of one command whose first statement is this one. @returns how each statement was asked for */
async function waysOf(first: () => Promise<Row[]>): Promise<boolean[]> {
  const ways: boolean[] = [];
  const statement = (singly: boolean) => {
    ways.push(singly);
    return ways.length === 1 ? first() : database<Row[]>`select 'it' as command_id, null as code`;
  };
  await applyBatch(1, statement, log);
  return ways;
}

test('a batch that Postgres refuses is applied singly', async () => {
  assert.deepEqual(await waysOf(() => database<Row[]>`select 1 / 0`), [false, true]);
});

test('a batch whose answer is lost is sent again as it was', async () => {
  const killed = () => database<Row[]>`select pg_terminate_backend(pg_backend_pid())`;
  assert.deepEqual(await waysOf(killed), [false, false]);
  assert.deepEqual(await waysOf(() => database<Row[]>`select from users where false`), [false, false]);
});

test('a batch that is never answered fails in the end', async () => {
  await assert.rejects(
    applyBatch(1, () => database<Row[]>`select from users where false`, log),
    /0 rows for 1 commands/,
  );
});
