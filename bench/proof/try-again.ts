import { setTimeout as wait } from 'node:timers/promises';

const ATTEMPTS = 5;
const TRY_AGAIN_AFTER_MS = 1_000;

/** In a system that has just survived a fault, the test's own commands and reads can fail once more. */
export async function tryAgain<T>(work: () => Promise<T>, attempts = ATTEMPTS): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (attempts === 1) throw error;
    await wait(TRY_AGAIN_AFTER_MS);
    return tryAgain(work, attempts - 1);
  }
}
