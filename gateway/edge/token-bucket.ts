/** Lets something happen so many times a second; who was quiet may do four seconds' worth at once. */
export class TokenBucket {
  readonly #rate: number;
  #left: number;
  #at = performance.now();

  /** @param rate times a second */
  constructor(rate: number) {
    this.#rate = rate;
    this.#left = this.#most;
  }

  /** CappedCounts one more. @returns false if that is one too many */
  allow(): boolean {
    const now = performance.now();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1_000) * this.#rate);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }

  get #most(): number {
    return this.#rate * 4;
  }
}
