/** A batch without a reply for this time stalls its lane. */
const STALL_AFTER_MS = 2_000;
/**
 * The watch looks at a late batch a second time before it reports. A process that was stopped for a while runs its timers
 * first and reads its connections then, and a reply may be there.
 */
const SECOND_LOOK_AFTER_MS = 100;

/** A batch in flight. */
export interface WatchedBatch {
  /** When it was first sent, by the monotonic clock (`performance.now()`). */
  readonly sentAtMs: number;
}

/** Reports that the oldest batch of a lane has no reply for two seconds. One timer is enough for very many batches. */
export class StallWatch {
  readonly #oldest: () => WatchedBatch | undefined;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;
  #suspect: WatchedBatch | undefined;

  /** @param oldest returns the oldest batch in flight @param onStall called once for each {@link start} at most */
  constructor(oldest: () => WatchedBatch | undefined, onStall: () => void) {
    this.#oldest = oldest;
    this.#onStall = onStall;
  }

  /** Call this when a batch is sent. The watch ends when no batch is in flight, and after it has reported. */
  start(): void {
    if (!this.#timer) this.#look();
  }

  #look(): void {
    this.#timer = undefined;
    const batch = this.#oldest();
    if (!batch) return;
    if (batch === this.#suspect) {
      this.#onStall();
      return;
    }
    const restMs = batch.sentAtMs + STALL_AFTER_MS - SECOND_LOOK_AFTER_MS - performance.now();
    if (restMs <= 0) this.#suspect = batch;
    // The watch alone does not keep the process running.
    this.#timer = setTimeout(() => this.#look(), restMs > 0 ? restMs : SECOND_LOOK_AFTER_MS).unref();
  }
}
