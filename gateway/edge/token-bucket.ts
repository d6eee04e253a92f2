import { limits } from '../../shared/contract/limits.ts';

/** Allows a number of actions per second. After a pause, the actions of `BURST_SECONDS` seconds may come together. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #capacity: number;
  #tokens: number;
  #refilledAt = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#capacity = perSecond * limits.BURST_SECONDS;
    this.#tokens = this.#capacity;
  }

  /** Takes a token for one action. @returns false if no token is left, so the action is not allowed */
  take(): boolean {
    const now = performance.now();
    const refill = ((now - this.#refilledAt) / 1_000) * this.#perSecond;
    this.#tokens = Math.min(this.#capacity, this.#tokens + refill);
    this.#refilledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
