import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const FIRST_POLL_MS = 5;
/** A long wait polls seldom, so that it takes no CPU time from other test files. */
const MAX_POLL_MS = 500;

/** Polls until the condition holds. @throws AssertionError with what `describe` returns when the time is over */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
  describe: () => string = () => 'the condition does not hold',
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (let pollMs = FIRST_POLL_MS; !(await condition()); pollMs = Math.min(pollMs * 1.2, MAX_POLL_MS)) {
    assert.ok(performance.now() < end, `after ${timeoutMs} ms: ${describe()}`);
    await sleep(pollMs);
  }
}
