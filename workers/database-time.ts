import type { Database } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';

const READ_EVERY_MS = 1_000;
/** A slower read shows the offset with a larger error, so it is ignored. */
const MAX_READ_MS = 400;
/** A larger change of the offset means that the clock of the database was changed. Slow reads change it by less. */
const MIN_JUMP_MS = 500;
/** Longer than a gateway takes to notice the change, and a command to expire. Below the 60 s of deadline-now.sql. */
const KEEP_FORMER_MS = 45_000;

/** The time of the database, as this process knows it. */
export interface DatabaseTime {
  /**
   * Returns the time of the database by the monotonic clock of this process, as RFC 3339 text. After a change of the
   * clock of the database, returns for 45 seconds the time that it would have without the change. Null before the first
   * read.
   */
  sentAt(): string | null;
  stop(): void;
}

/** For a process that sends a few batches and does not watch the clock. */
export const unknownTime = { sentAt: () => null };

/** Reads the clock of the database once per second. */
export function watchDatabaseTime(database: Database, log: Log): DatabaseTime {
  /** Each is the clock of the database minus the monotonic clock of this process, in milliseconds. */
  let offsetMs: number | undefined;
  let former: { offsetMs: number; untilMs: number } | undefined;

  const read = async () => {
    try {
      const newOffsetMs = await readOffset(database);
      if (newOffsetMs === undefined) return;
      if (offsetMs !== undefined && Math.abs(newOffsetMs - offsetMs) > MIN_JUMP_MS && !validFormer()) {
        former = { offsetMs, untilMs: performance.now() + KEEP_FORMER_MS };
        log.warn({ jumpMs: Math.round(newOffsetMs - offsetMs) }, 'the clock of the database was changed');
      }
      offsetMs = newOffsetMs;
    } catch (error) {
      log.debug({ error }, 'the clock of the database could not be read');
    }
  };
  const validFormer = () => (former && performance.now() < former.untilMs ? former : undefined);

  let isReading = false;
  const readAlone = async () => {
    if (isReading) return;
    isReading = true;
    await read();
    isReading = false;
  };
  void readAlone();
  const timer = setInterval(() => void readAlone(), READ_EVERY_MS).unref();
  return {
    sentAt() {
      const currentOffsetMs = validFormer()?.offsetMs ?? offsetMs;
      return currentOffsetMs === undefined ? null : new Date(performance.now() + currentOffsetMs).toISOString();
    },
    stop: () => clearInterval(timer),
  };
}

/** @returns undefined if the read was slow */
async function readOffset(database: Database): Promise<number | undefined> {
  const before = performance.now();
  const [row] = await database<{ now: string }[]>`select rooms_now() as now`;
  // When a connection is lost, the driver sometimes returns no rows.
  if (!row) throw new Error('postgres did not answer');
  const end = performance.now();
  return end - before > MAX_READ_MS ? undefined : Date.parse(row.now) - (before + end) / 2;
}
