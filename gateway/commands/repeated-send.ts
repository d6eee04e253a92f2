/** After this time without a reply, a batch is sent again. */
const RESEND_AFTER_MS = 1_500;
/** A batch that could not be sent is sent again after this time. */
const RETRY_AFTER_MS = 250;
/** After this time without a reply, a batch is given up. */
const GIVE_UP_AFTER_MS = 15_000;

export interface RepeatedSendOptions {
  /** If `send` rejects, the batch may or may not have been sent. */
  send: () => Promise<void>;
  onError: (error: unknown) => void;
  /** Called at most once. After it, the batch is not sent again. */
  onGiveUp: () => void;
}

/**
 * Sends a batch immediately, and again until {@link stop} is called. Gives up after 15 seconds. A {@link sendNow} near
 * the end gives the batch up to 1.5 seconds more.
 */
export class RepeatedSend {
  readonly #options: RepeatedSendOptions;
  /** By the monotonic clock: a change of the time of day must not give up a batch. */
  readonly #giveUpAtMs = performance.now() + GIVE_UP_AFTER_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: RepeatedSendOptions) {
    this.#options = options;
    void this.#send();
  }

  /** Sends the batch again without waiting for the timer. */
  sendNow(): void {
    void this.#send();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #send(): Promise<void> {
    this.#sendAgainAfter(RESEND_AFTER_MS);
    try {
      await this.#options.send();
    } catch (error) {
      this.#options.onError(error);
      this.#sendAgainAfter(RETRY_AFTER_MS);
    }
  }

  #sendAgainAfter(delayMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#sendAgain(), delayMs);
  }

  #sendAgain(): void {
    if (performance.now() < this.#giveUpAtMs) {
      void this.#send();
      return;
    }
    this.stop();
    this.#options.onGiveUp();
  }
}
