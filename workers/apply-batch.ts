import { isRefused } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { withTimeout } from '../shared/timeout.ts';
import { wait } from '../shared/wait.ts';
import { inTurn, isEarly } from './in-turn.ts';

const MAX_ATTEMPTS = 4;
/** The pause before a statement without an answer is sent again. A batch that was applied has no second effect. */
const RETRY_PAUSE_MS = 100;
/** Postgres cancels a statement earlier (workers.ts), so a longer silence is a lost connection. */
const ANSWER_TIMEOUT_MS = 20_000;
/** The SQLSTATE of a deadlock. */
const DEADLOCK = '40P01';

/**
 * Sends the statement that applies a batch, up to four times, until Postgres answers. If Postgres refuses the whole
 * batch, the next statement applies the commands one by one. So a command that fails does not stop the other commands.
 * After a deadlock, the batch is sent again as a whole: one by one, it would lock its rooms in another order.
 * @param statement returns one row for each command
 * @throws Error after the last attempt. The batch may or may not be applied. The caller may send the batch again.
 *   Also an Error for which `isEarly` is true (in-turn.ts).
 */
export async function applyBatch<Row extends { commandId: string; code: string | null }>(
  commands: number,
  statement: (oneByOne: boolean) => Promise<Row[]>,
  log: Log,
): Promise<Row[]> {
  let oneByOne = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await inTurn(() => withTimeout(statement(oneByOne), ANSWER_TIMEOUT_MS));
      // When a connection is lost, the driver sometimes returns an empty result instead of an error.
      if (rows.length !== commands) throw new Error(`${rows.length} rows for ${commands} commands`);
      for (const { commandId, code } of rows) {
        if (code === 'internal') log.error({ commandId }, 'a command failed, see the log of postgres for the cause');
      }
      return rows;
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || isEarly(error)) throw error;
      log.warn({ error, attempt, commands, oneByOne }, 'a batch could not be applied, will be sent again');
      oneByOne ||= isRefused(error) && (error as { code?: unknown }).code !== DEADLOCK;
      await wait(RETRY_PAUSE_MS);
    }
  }
}
