import { setTimeout as wait } from 'node:timers/promises';
import { isRefused } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { withTimeout } from '../shared/timeout.ts';

const TRIES = 4;
/** Milliseconds before a statement without an answer is sent again: what it did it will not do twice. */
const PAUSE = 100;
/** Milliseconds; Postgres gives a statement up before that, so a longer silence is a lost connection. */
const MOST_PATIENCE = 20_000;

/**
 * Sends the statement that applies a batch until it is answered. If Postgres refuses it as a whole, each of its
 * commands is applied for itself, so that one that cannot be applied takes none of its neighbours with it.
 * @param statement answers a row for each command
 * @throws Error when Postgres does not answer: the batch may or may not be applied, and can be sent again
 */
export async function applyBatch<Row extends { commandId: string; code: string | null }>(
  commands: number,
  statement: (singly: boolean) => Promise<Row[]>,
  log: Log,
): Promise<Row[]> {
  let singly = false;
  for (let attempt = 1; ; attempt++) {
    try {
      const rows = await withTimeout(statement(singly), MOST_PATIENCE);
      // The driver ends a query on some lost connections as if it had no rows.
      if (rows.length !== commands) throw new Error(`${rows.length} rows for ${commands} commands`);
      for (const { commandId, code } of rows) {
        if (code === 'internal') log.error({ commandId }, 'a command cannot be applied; the log of postgres says why');
      }
      return rows;
    } catch (error) {
      if (attempt === TRIES) throw error;
      log.warn({ error, attempt, commands, singly }, 'a batch could not be applied, trying again');
      singly ||= isRefused(error);
      await wait(PAUSE);
    }
  }
}
