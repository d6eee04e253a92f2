/**
 * Waits. Uses the global timer, because a test with a mocked clock does not reach `node:timers/promises`.
 * @param keepsProcess false if the process may end during the wait
 */
export function wait(ms: number, { keepsProcess = true } = {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    if (!keepsProcess) timer.unref();
  });
}
