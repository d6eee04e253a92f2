import { wait } from '../shared/wait.ts';

/** The SQLSTATE of a batch whose predecessor is not applied yet (sql/functions/is-new-batch.sql). */
const EARLY_BATCH = 'RB001';
const FIRST_PAUSE_MS = 2;
const MAX_PAUSE_MS = 50;
const MAX_WAIT_MS = 500;

/** True for the error of a batch that arrived before its predecessor. The batch had no effect. */
export function isEarly(error: unknown): boolean {
  return (error as { code?: unknown }).code === EARLY_BATCH;
}

/**
 * Sends the statement of a batch. If the batch is early, sends it again, for up to 500 ms after the first refusal. So
 * the order of a lane never depends on the order in which workers take the jobs.
 * @throws the error of the statement. If {@link isEarly} is true for it, the batch belongs back into the queue.
 */
export async function inTurn<T>(statement: () => Promise<T>): Promise<T> {
  let endAtMs = Infinity;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await statement();
    } catch (error) {
      if (!isEarly(error) || performance.now() >= endAtMs) throw error;
      endAtMs = Math.min(endAtMs, performance.now() + MAX_WAIT_MS);
    }
    await wait(pauseMs);
  }
}
