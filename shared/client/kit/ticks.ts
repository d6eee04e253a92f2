export const TICK_MS = 100;
const LATE_TICK_MS = 150;

/** Calls `onEnd` after a number of ticks. A late tick does not count: the machine is busy then. */
export function afterTicks(maxTicks: number, onEnd: () => void): NodeJS.Timeout {
  let ticks = 0;
  let lastMs = performance.now();
  return setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - lastMs < LATE_TICK_MS && ++ticks > maxTicks) onEnd();
    lastMs = nowMs;
  }, TICK_MS);
}
