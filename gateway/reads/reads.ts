import { type Database, isRefused } from '../../shared/database.ts';
import { withTimeout } from '../../shared/timeout.ts';
import { orUnavailable } from '../edge/unavailable.ts';
import { messageReads } from './message-reads.ts';
import { roomReads } from './room-reads.ts';
import { userReads } from './user-reads.ts';

/** Milliseconds; Postgres gives a statement up before that. */
const MOST_PATIENCE = 12_000;

type AllReads = ReturnType<typeof userReads> & ReturnType<typeof roomReads> & ReturnType<typeof messageReads>;
export type Reads = AllReads & { epoch(): Promise<string>; ping(): Promise<void> };

/**
 * All that a gateway asks Postgres for. Throws Refusal `unavailable` when Postgres does not answer.
 * @param database connections that cannot write
 */
export function createReads(database: Database): Reads {
  const reads = { ...userReads(database), ...roomReads(database), ...messageReads(database), ...ownReads(database) };
  const patient = Object.entries<(...asked: never[]) => Promise<unknown>>(reads).map(([name, read]) => [
    name,
    (...asked: never[]) => patiently(() => read(...asked)),
  ]);
  return Object.fromEntries(patient) as Reads;
}

async function patiently<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(read(), MOST_PATIENCE);
  } catch (error) {
    if (isRefused(error)) throw error;
    return orUnavailable(Promise.reject(error));
  }
}

function ownReads(database: Database) {
  return {
    async epoch(): Promise<string> {
      const [row] = await database<{ id: string }[]>`select id from epoch`;
      if (!row) throw new Error('the database has no epoch: run the migration');
      return row.id;
    },

    /** Whether Postgres answers. */
    async ping(): Promise<void> {
      await database`select 1`;
    },
  };
}
