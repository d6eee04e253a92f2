import { wait } from '../shared/wait.ts';
import { isLockTimeout } from './lock-timeout.ts';

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
 * True for the error of a batch whose lane is at work: another statement applies the same batch, or the one before or
 * after it. The batch had no effect.
 */
export function isLaneAtWork(error: unknown): boolean {
  return isLockTimeout(error) && /is_new_batch|is_unapplied/.test(String((error as { where?: unknown }).where));
}

/**
 * Sends the statement of a batch. If the batch is early, sends it again, for up to 500 ms after the first refusal. So
 * the order of a lane never depends on the order in which workers take the jobs.
 * @param waitsForLane true if the batch has a predecessor, which may be at work now
 * @throws the error of the statement. If {@link isEarly} is true for it, the batch belongs back into the queue.
 */
export async function inTurn<T>(statement: () => Promise<T>, waitsForLane = false): Promise<T> {
  let endAtMs = Infinity;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    try {
      return await statement();
    } catch (error) {
      const isTooSoon = isEarly(error) || (waitsForLane && isLaneAtWork(error));
      if (!isTooSoon || performance.now() >= endAtMs) throw error;
      endAtMs = Math.min(endAtMs, performance.now() + MAX_WAIT_MS);
    }
    await wait(pauseMs);
  }
}
