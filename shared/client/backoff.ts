const FIRST_MS = 2_000;
const MAX_MS = 30_000;

/** The waits between attempts. They are random over their whole length, so that many clients do not come together. */
export class Backoff {
  #failures = 0;

  /** @returns milliseconds to wait before the next attempt */
  next(): number {
    return Math.random() * Math.min(MAX_MS, FIRST_MS * 2 ** this.#failures++);
  }

  reset(): void {
    this.#failures = 0;
  }
}

/** @param retryAfter seconds that the server asks for @returns milliseconds: at least these seconds, at most half more */
export const atLeast = (retryAfter: number): number => retryAfter * 1_000 * (1 + Math.random() / 2);
