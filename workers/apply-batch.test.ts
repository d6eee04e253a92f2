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

/** Applies a batch of one command. The first statement is `first`. @returns the `oneByOne` of each statement */
async function attemptsOf(first: () => Promise<Row[]>): Promise<boolean[]> {
  const attempts: boolean[] = [];
  const statement = (oneByOne: boolean) => {
    attempts.push(oneByOne);
    return attempts.length === 1 ? first() : database<Row[]>`select 'command' as command_id, null as code`;
  };
  await applyBatch({ commands: 1, follows: false, send: statement, log });
  return attempts;
}

test('if Postgres refuses a batch, its commands are applied one by one', async () => {
  assert.deepEqual(await attemptsOf(() => database<Row[]>`select 1 / 0`), [false, true]);
});

test('after a deadlock, the same batch is sent again as a whole', async () => {
  const deadlock = () => database<Row[]>`do $$ begin raise sqlstate '40P01'; end $$`;
  assert.deepEqual(await attemptsOf(deadlock), [false, false]);
});

test('if the answer to a batch is lost, the same batch is sent again as a whole', async () => {
  const killed = () => database<Row[]>`select pg_terminate_backend(pg_backend_pid())`;
  assert.deepEqual(await attemptsOf(killed), [false, false]);
  assert.deepEqual(await attemptsOf(() => database<Row[]>`select from users where false`), [false, false]);
});

test('a batch without an answer of Postgres fails after four attempts', async () => {
  await assert.rejects(
    applyBatch({ commands: 1, follows: false, send: () => database<Row[]>`select from users where false`, log }),
    /0 rows for 1 commands/,
  );
});
