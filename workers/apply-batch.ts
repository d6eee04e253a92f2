import { setTimeout as wait } from 'node:timers/promises';
import { isRefused } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { withTimeout } from '../shared/timeout.ts';

const MAX_ATTEMPTS = 4;
/** A statement without an answer is sent again after this pause. It never has its effect twice. */
const RETRY_PAUSE_MS = 100;
/** Postgres ends a statement before that, so a longer silence is a lost connection. */
const ANSWER_TIMEOUT_MS = 20_000;

/**
 * Sends the statement that applies a batch until Postgres answers it. If Postgres refuses the batch as a whole, each
 * command is applied alone, so that a command that fails does not stop its neighbours.
 * @param statement answers a row for each command
 * @throws Error if Postgres does not answer: the batch may or may not be applied, and may be sent again
 */
export async function applyBatch<Row extends { commandId: string; code: string | null }>(
  commands: number,
  statement: (singly: boolean) => Promise<Row[]>,
  log: Log,
): Promise<Row[]> {
  let singly = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await withTimeout(statement(singly), ANSWER_TIMEOUT_MS);
      // On some lost connections the driver answers no rows.
      if (rows.length !== commands) throw new Error(`${rows.length} rows for ${commands} commands`);
      for (const { commandId, code } of rows) {
        if (code === 'internal') log.error({ commandId }, 'a command failed; the log of postgres has the cause');
      }
      return rows;
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error;
      log.warn({ error, attempt, commands, singly }, 'a batch could not be applied, trying again');
      singly ||= isRefused(error);
      await wait(RETRY_PAUSE_MS);
    }
  }
}
