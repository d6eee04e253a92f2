import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';

const SPAN_MS = 5;
/**
 * A socket that resumes has two parts, and both together take about 0.2 ms. With more parts, the acks of others come
 * later. With fewer parts, the clients wait longer (bench/results.md).
 */
const PARTS_PER_SPAN = 48;

/**
 * Spreads the attaches of sockets over time. When another gateway has died, its clients come at once: thousands of
 * attaches in a row would delay the messages of all others.
 */
export class AttachTurns {
  readonly #waiting: (() => void)[] = [];
  #attaching = 0;
  /** By `performance.now()`. */
  #spanEnd = 0;
  #startedInSpan = 0;
  #isScheduled = false;

  /** Does a part of an attach in its turn. @throws Refusal `busy` if too many sockets attach already */
  async run<T>(part: () => Promise<T>): Promise<T> {
    if (this.#attaching >= limits.MAX_ATTACHING_SOCKETS) throw new Refusal('busy');
    this.#attaching++;
    try {
      await this.#takeTurn();
      return await part();
    } finally {
      this.#attaching--;
    }
  }

  async #takeTurn(): Promise<void> {
    if (this.#waiting.length === 0 && this.#startPart()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    this.#schedule();
    await promise;
  }

  /** @returns false if no more part may start in this span */
  #startPart(): boolean {
    const now = performance.now();
    if (now >= this.#spanEnd) {
      this.#spanEnd = now + SPAN_MS;
      this.#startedInSpan = 0;
    }
    if (this.#startedInSpan >= PARTS_PER_SPAN) return false;
    this.#startedInSpan++;
    return true;
  }

  /** A timer fires late if the event loop has much to do. Then fewer parts start. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setTimeout(() => {
      this.#isScheduled = false;
      while (this.#waiting.length > 0 && this.#startPart()) this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#schedule();
    }, SPAN_MS);
  }
}
