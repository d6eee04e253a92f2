import { isRefused } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { withTimeout } from '../shared/timeout.ts';
import { wait } from '../shared/wait.ts';
import { inTurn, isEarly, isLaneAtWork } from './in-turn.ts';
import { FIRST_ROW_WAIT_MS, isLockTimeout, LOCK_TIMEOUT_MS } from './lock-timeout.ts';
import type { RowLocks } from './locked-rows.ts';

const MAX_ATTEMPTS = 4;
/** A batch that does not get a lock is sent again for this time. */
const WAIT_FOR_LOCKS_MS = 5_000;
/** After this number of statements that did not get a lock, the commands are applied one by one. */
const MAX_LOCK_TIMEOUTS = 4;
/** The pause before a statement without an answer is sent again. A batch that was applied has no second effect. */
const RETRY_PAUSE_MS = 100;
/** Postgres cancels a statement earlier (workers.ts), so a longer silence is a lost connection. */
const ANSWER_TIMEOUT_MS = 8_000;
/** The SQLSTATE of a deadlock. */
const DEADLOCK = '40P01';

export interface BatchStatement<Row> {
  /** The number of commands. */
  commands: number;
  /** True if the batch has a predecessor in its lane. */
  follows: boolean;
  /** Sends the statement. Resolves with one row for each command. */
  send: (oneByOne: boolean, rowWaitMs: number) => Promise<Row[]>;
  /** Reads which rows are locked. After it, the statement does not wait for rows that another session has locked. */
  findLocks?: () => Promise<RowLocks>;
  log: Log;
}

/**
 * Sends the statement that applies a batch, up to four times, until Postgres answers. If Postgres refuses the whole
 * batch, the next statement applies the commands one by one. So a command that fails does not stop the other commands.
 * After a deadlock, the batch is sent again as a whole: one by one, it would lock its rooms in another order.
 * @throws Error after the last attempt. The batch may or may not be applied. The caller may send the batch again.
 *   Also an Error for which `isEarly` or `isLaneAtWork` is true (in-turn.ts).
 */
export async function applyBatch<Row extends { commandId: string; code: string | null }>(
  statement: BatchStatement<Row>,
): Promise<Row[]> {
  const { commands, follows, log } = statement;
  const waitUntilMs = performance.now() + WAIT_FOR_LOCKS_MS;
  let [attempt, lockTimeouts, oneByOne, rowWaitMs] = [1, 0, false, FIRST_ROW_WAIT_MS];
  for (;;) {
    try {
      const rows = await inTurn(() => withTimeout(statement.send(oneByOne, rowWaitMs), ANSWER_TIMEOUT_MS), follows);
      // When a connection is lost, the driver sometimes returns an empty result instead of an error.
      if (rows.length !== commands) throw new Error(`${rows.length} rows for ${commands} commands`);
      for (const { commandId, code } of rows) {
        if (code === 'internal') log.error({ commandId }, 'a command failed, see the log of postgres for the cause');
      }
      return rows;
    } catch (error) {
      if (isEarly(error) || isLaneAtWork(error)) throw error;
      if (isLockTimeout(error) && performance.now() < waitUntilMs) {
        rowWaitMs = LOCK_TIMEOUT_MS;
        oneByOne ||= !(await isContended(statement)) && ++lockTimeouts === MAX_LOCK_TIMEOUTS;
        continue;
      }
      if (attempt++ === MAX_ATTEMPTS) throw error;
      log.warn({ error, attempt, commands, oneByOne }, 'a batch could not be applied, will be sent again');
      oneByOne ||= isRefused(error) && (error as { code?: unknown }).code !== DEADLOCK;
      await wait(RETRY_PAUSE_MS);
    }
  }
}

/** True if a worker has locked a row of the batch: the row will be free soon, so it is right to wait again. */
async function isContended({ findLocks, log }: Pick<BatchStatement<unknown>, 'findLocks' | 'log'>): Promise<boolean> {
  try {
    return (await findLocks?.())?.isContended ?? false;
  } catch (error) {
    log.warn({ error }, 'the locked rows of a batch could not be read');
    return false;
  }
}
