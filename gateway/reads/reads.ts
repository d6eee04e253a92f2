import { Refusal } from '../../shared/contract/errors.ts';
import { type Database, isRefused } from '../../shared/database.ts';
import { PoolBusyError } from '../../shared/statement-gate.ts';
import { withTimeout } from '../../shared/timeout.ts';
import { orUnavailable } from '../edge/unavailable.ts';
import { attachmentReads } from './attachment-reads.ts';
import { eventReads } from './event-reads.ts';
import { headReads } from './head-reads.ts';
import { historyReads } from './history-reads.ts';
import { messageReads } from './message-reads.ts';
import { noticeReads } from './notice-reads.ts';
import { replayReads } from './replay-reads.ts';
import { roomReads } from './room-reads.ts';
import { sessionReads } from './session-reads.ts';
import { systemReads } from './system-reads.ts';
import { READ_TIMEOUT_MS } from './timeouts.ts';
import { userReads } from './user-reads.ts';

export type Reads = ReturnType<typeof allReads>;

/**
 * All reads of a gateway. A read throws Refusal `unavailable` if Postgres does not answer, and `busy` if too many reads
 * wait for a connection.
 * @param database a pool of read-only connections
 */
export function createReads(database: Database): Reads {
  const reads = Object.entries<(...parameters: never[]) => Promise<unknown>>(allReads(database));
  const limited = reads.map(([name, read]) => [
    name,
    (...parameters: never[]) => withinTimeout(() => read(...parameters)),
  ]);
  return Object.fromEntries(limited) as Reads;
}

function allReads(database: Database) {
  return {
    ...userReads(database),
    ...attachmentReads(database),
    ...sessionReads(database),
    ...roomReads(database),
    ...messageReads(database),
    ...historyReads(database),
    ...eventReads(database),
    ...headReads(database),
    ...replayReads(database),
    ...noticeReads(database),
    ...systemReads(database),
  };
}

async function withinTimeout<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await withTimeout(read(), READ_TIMEOUT_MS);
  } catch (error) {
    if (isRefused(error)) throw error;
    if (error instanceof PoolBusyError) throw new Refusal('busy');
    return orUnavailable(Promise.reject(error));
  }
}
