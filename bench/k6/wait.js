const TIMEOUT_MS = 10_000;
const POLL_MS = 10;

/** @param {number} milliseconds @returns {Promise<void>} */
export function wait(milliseconds) {
  return new Promise((resolve) => setTimeout(() => resolve(), milliseconds));
}

/** Waits until the condition is true. @param {() => boolean} condition @returns false if it is not true in ten seconds */
export async function until(condition) {
  const deadline = Date.now() + TIMEOUT_MS;
  while (!condition() && Date.now() < deadline) await wait(POLL_MS);
  return condition();
}
