import type { Database } from '../../shared/database.ts';
import type { Log } from '../../shared/log.ts';

const READ_EVERY_MS = 30_000;

/** The clock of the database. All deadlines use this clock, so the clocks of gateways and workers may differ. */
export interface DatabaseClock {
  /** @param localMs by the monotonic clock of this process (`performance.now()`) @returns the time as RFC 3339 text */
  toDatabaseTime(localMs: number): string;
  stop(): void;
}

/** Reads the clock immediately, and again every 30 seconds. @throws Error if Postgres does not answer the first read */
export async function startClock(database: Database, log: Log): Promise<DatabaseClock> {
  let offsetMs = await readOffset(database);
  const refresh = async () => {
    try {
      offsetMs = await readOffset(database);
    } catch (error) {
      log.warn({ error }, 'the clock of the database could not be read');
    }
  };
  const timer = setInterval(() => void refresh(), READ_EVERY_MS).unref();
  // Under load, many commands have the deadline of the same millisecond.
  let [lastMs, lastText] = [Number.NaN, ''];
  const toDatabaseTime = (localMs: number) => {
    const timeMs = Math.round(localMs + offsetMs);
    if (timeMs !== lastMs) [lastMs, lastText] = [timeMs, new Date(timeMs).toISOString()];
    return lastText;
  };
  return { toDatabaseTime, stop: () => clearInterval(timer) };
}

/**
 * @returns the clock of the database minus the monotonic clock of this process at the middle of the read, in
 *   milliseconds. So a change of the time of day in this process changes no deadline.
 */
async function readOffset(database: Database): Promise<number> {
  const before = performance.now();
  const [row] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  // When a connection is lost, the driver sometimes returns no rows.
  if (!row) throw new Error('postgres did not answer');
  return Date.parse(row.now) - (before + performance.now()) / 2;
}
