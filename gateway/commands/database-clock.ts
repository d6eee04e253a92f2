import type { Database } from '../../shared/database.ts';
import type { Log } from '../../shared/log.ts';
import { withTimeout } from '../../shared/timeout.ts';

/** The clock of the database may jump. Until the next read, deadlines are wrong by the jump. */
const READ_EVERY_MS = 1_000;
/** A read that took longer says too little: its time can be wrong by half of this. */
const MAX_READ_MS = 1_000;
const GIVE_UP_READ_AFTER_MS = 10_000;

/** The clock of the database. All deadlines use this clock, so the clocks of gateways and workers may differ. */
export interface DatabaseClock {
  /** @param localMs by the monotonic clock of this process (`performance.now()`) @returns the time as RFC 3339 text */
  toDatabaseTime(localMs: number): string;
  stop(): void;
}

/** Reads the clock immediately, and again every second. @throws Error if Postgres does not answer the first read */
export async function startClock(database: Database, log: Log): Promise<DatabaseClock> {
  let { offsetMs } = await readOffset(database);
  let isReading = false;
  let isLost = false;
  const refresh = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const read = await withTimeout(readOffset(database), GIVE_UP_READ_AFTER_MS);
      if (read.tookMs <= MAX_READ_MS) offsetMs = read.offsetMs;
      isLost = false;
    } catch (error) {
      if (!isLost) log.warn({ error }, 'the clock of the database could not be read');
      isLost = true;
    }
    isReading = false;
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
async function readOffset(database: Database): Promise<{ offsetMs: number; tookMs: number }> {
  const before = performance.now();
  const [row] = await database<{ now: string }[]>`select clock_timestamp() as now`;
  // When a connection is lost, the driver sometimes returns no rows.
  if (!row) throw new Error('postgres did not answer');
  const after = performance.now();
  return { offsetMs: Date.parse(row.now) - (before + after) / 2, tookMs: after - before };
}
