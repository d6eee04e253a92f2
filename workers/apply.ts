import { setTimeout as wait } from 'node:timers/promises';
import { isUnanswered } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';

/** Deadlock, failed serialization, and a ref that another batch stored in the same moment: all right the next time. */
const PASSING = new Set(['40P01', '40001', '23505']);
const TRIES = 3;
/** Milliseconds before a statement without an answer is sent again: what it did it will not do twice. */
const PAUSE = 100;

/**
 * Applies a batch with one statement. If that throws, the commands are applied one by one, so that one that
 * cannot be applied takes none of its neighbours with it.
 * @param statement applies commands all or none, and answers a row for each
 * @param refuse the row of a command that Postgres cannot apply
 * @throws Error when Postgres does not answer: the batch may or may not be applied, and can be sent again
 */
export async function applyBatch<C, Row>(
  commands: C[],
  statement: (commands: C[]) => Promise<Row[]>,
  refuse: (command: C) => Row,
  log: Log,
): Promise<Row[]> {
  const patient = (batch: C[]) => untilAnswered(() => statement(batch), log);
  try {
    return await patient(commands);
  } catch (error) {
    if (isUnanswered(error)) throw error;
    log.warn({ error, commands: commands.length }, 'a batch could not be applied at once');
  }
  const rows: Row[] = [];
  for (const command of commands) rows.push(...(await applyOne(command, patient, refuse, log)));
  return rows;
}

async function untilAnswered<Row>(statement: () => Promise<Row[]>, log: Log): Promise<Row[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await statement();
    } catch (error) {
      if (attempt === TRIES || !isUnanswered(error)) throw error;
      log.warn({ error, attempt }, 'postgres did not answer, asking again');
      await wait(PAUSE);
    }
  }
}

async function applyOne<C, Row>(
  command: C,
  statement: (commands: C[]) => Promise<Row[]>,
  refuse: (command: C) => Row,
  log: Log,
): Promise<Row[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await statement([command]);
    } catch (error) {
      if (isUnanswered(error)) throw error;
      if (attempt < TRIES && PASSING.has((error as { code?: string }).code ?? '')) continue;
      log.error({ error }, 'a command cannot be applied');
      return [refuse(command)];
    }
  }
}
