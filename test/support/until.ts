import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Enough for a busy machine: only a test that fails waits until then. */
export const MAX_WAIT_MS = 30_000;
const FIRST_POLL_MS = 5;
/** A long wait polls at most twice per second, so that it takes little CPU time from other test files. */
const MAX_POLL_MS = 500;

/** Polls until the condition is true. @throws AssertionError with the text of `describe` after the timeout */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = MAX_WAIT_MS,
  describe: () => string = () => 'the condition is not true',
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (let pollMs = FIRST_POLL_MS; !(await condition()); pollMs = Math.min(pollMs * 1.2, MAX_POLL_MS)) {
    assert.ok(performance.now() < end, `after ${timeoutMs} ms: ${describe()}`);
    await sleep(pollMs);
  }
}
