import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../shared/database.ts';

/** Postgres writes its counts with a delay of up to a second. */
const COUNT_DELAY_MS = 2_000;

/** Returns the statements that Postgres has committed in this database. Each statement of Rooms commits by itself. */
export async function countStatements(database: Database): Promise<number> {
  await wait(COUNT_DELAY_MS);
  const [row] = await database<{ count: number }[]>`
    select xact_commit as count from pg_stat_database where datname = current_database()`;
  return Number(row?.count);
}
