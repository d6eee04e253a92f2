import type { Log } from '../../shared/log.ts';
import { countDescriptors } from './descriptors.ts';

/** To count 20,000 descriptors takes about 20 ms of CPU time, most of it in another thread. */
const RECOUNT_EVERY_MS = 250;

/**
 * Counts the sockets that have ended and may still have a descriptor. After a close frame, uWebSockets.js keeps the
 * descriptor until the client closes the connection, at most 16 seconds, and does not say when. So the count is too high
 * until the descriptors of the process are counted.
 */
export class EndedSockets {
  readonly #log: Log;
  #count = 0;
  #nextRecountMs = Number.NEGATIVE_INFINITY;

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#count;
  }

  add(): void {
    this.#count++;
  }

  /**
   * Counts the descriptors of the process, at most once in RECOUNT_EVERY_MS. Never rejects.
   * @param open returns the number of open connections
   */
  async recount(open: () => number): Promise<void> {
    if (this.#count === 0 || performance.now() < this.#nextRecountMs) return;
    this.#nextRecountMs = Number.POSITIVE_INFINITY;
    const before = this.#count;
    try {
      // The descriptors of Postgres, Redis and files count as ended sockets here. They are few.
      const ended = Math.max((await countDescriptors()) - open(), 0);
      this.#count -= Math.max(before - ended, 0);
    } catch (error) {
      this.#log.debug({ error }, 'the descriptors could not be counted');
    }
    this.#nextRecountMs = performance.now() + RECOUNT_EVERY_MS;
  }
}
