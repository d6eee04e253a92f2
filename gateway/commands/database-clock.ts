import { setTimeout as wait } from 'node:timers/promises';
import type { Database } from '../../shared/database.ts';
import type { Log } from '../../shared/log.ts';

const EVERY = 30_000;

/** The clock of the database, by which commands expire; read now and then, so that two machines need not agree. */
export interface Clock {
  /** The database's time at a moment of this process's clock (milliseconds since 1970). */
  toDatabase(local: number): Date;
  stop(): void;
}

export async function startClock(database: Database, log: Log): Promise<Clock> {
  const stopped = new AbortController();
  let offset = await readOffset(database);
  const keepReading = async () => {
    for (;;) {
      await wait(EVERY, undefined, { signal: stopped.signal, ref: false });
      offset = await readOffset(database).catch((error: unknown) => {
        log.warn({ error }, 'the clock of the database could not be read');
        return offset;
      });
    }
  };
  keepReading().catch((error: unknown) => {
    if (!stopped.signal.aborted) throw error;
  });
  return { toDatabase: (local) => new Date(local + offset), stop: () => stopped.abort() };
}

/** Milliseconds that the database is ahead, as of the middle of the question. */
async function readOffset(database: Database): Promise<number> {
  const asked = Date.now();
  const [row] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  return (row ? Date.parse(row.now) : asked) - (asked + Date.now()) / 2;
}
