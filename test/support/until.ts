import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** Polls until the condition holds. @throws AssertionError with what `describe` returns when the time is over */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
  describe: () => string = () => 'the condition does not hold',
): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `after ${timeoutMs} ms: ${describe()}`);
    await sleep(POLL_MS);
  }
}
