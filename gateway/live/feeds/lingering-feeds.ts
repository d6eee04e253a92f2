import { limits } from '../../../shared/contract/limits.ts';

const DEFAULT_LINGER_MS = 60_000;
const CHECK_EVERY_MS = 5_000;

interface LingeringFeed {
  /** True if the feed keeps records. A feed without records does not linger. */
  readonly hasRecent: boolean;
  close(): void;
}

/** The feeds that nobody retains. Each of them is closed after a minute, or earlier if there are too many. */
export class LingeringFeeds {
  /** When each feed is closed, by `performance.now()`. The first one is the next. */
  readonly #closesAt = new Map<LingeringFeed, number>();
  readonly #lingerMs: number;
  readonly #timer = setInterval(() => this.#closeOld(), CHECK_EVERY_MS).unref();
  #isClosed = false;

  /** @param lingerMs with 0, a feed is closed as soon as nobody retains it */
  constructor(lingerMs = DEFAULT_LINGER_MS) {
    this.#lingerMs = lingerMs;
  }

  get count(): number {
    return this.#closesAt.size;
  }

  /** Does nothing for a feed that lingers already: it was retained only while it handled a message. */
  add(feed: LingeringFeed): void {
    if (this.#closesAt.has(feed)) return;
    if (this.#isClosed || this.#lingerMs === 0 || !feed.hasRecent) {
      feed.close();
      return;
    }
    this.#closesAt.set(feed, performance.now() + this.#lingerMs);
    if (this.#closesAt.size > limits.MAX_LINGERING_ROOMS) this.#closeFirst();
  }

  /** Call this when the feed is retained again. */
  remove(feed: LingeringFeed): void {
    this.#closesAt.delete(feed);
  }

  /** From now on, a feed is closed as soon as nobody retains it. The feeds that linger now are forgotten. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#closesAt.clear();
  }

  #closeFirst(): void {
    const [first] = this.#closesAt.keys();
    if (!first) return;
    this.#closesAt.delete(first);
    first.close();
  }

  #closeOld(): void {
    for (const [feed, closesAt] of this.#closesAt) {
      if (closesAt > performance.now()) return;
      this.#closesAt.delete(feed);
      feed.close();
    }
  }
}
