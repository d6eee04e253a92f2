/** After this time without a reply, a batch is sent again. */
const RESEND_AFTER_MS = 1_000;
/** Further copies follow after this time. */
const REPEAT_AFTER_MS = 700;
/** A batch that could not be sent is sent again after this time. */
const RETRY_AFTER_MS = 250;
/** After this time without a reply, a batch is given up. */
const GIVE_UP_AFTER_MS = 15_000;

export interface RepeatedSendOptions {
  /**
   * If `send` rejects, the batch may or may not have been sent.
   * @param copy how many times the batch was sent before
   * @returns the id of the job
   */
  send: (copy: number) => Promise<string | undefined>;
  /** True if no worker has taken the job yet. Then a copy is useless. */
  isWaiting: (jobId: string) => Promise<boolean>;
  onError: (error: unknown) => void;
  /** Called at most once. After it, the batch is not sent again. */
  onGiveUp: () => void;
}

/**
 * Sends a batch immediately, and again until {@link stop} is called. Gives up after 15 seconds. A {@link sendNow} near
 * the end gives the batch up to one second more.
 */
export class RepeatedSend {
  readonly #options: RepeatedSendOptions;
  /** By the monotonic clock: a change of the time of day must not give up a batch. */
  readonly #giveUpAtMs = performance.now() + GIVE_UP_AFTER_MS;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #sendings = 0;
  /** The questions and sendings that Redis has not answered. */
  #unanswered = 0;
  #jobId: string | undefined;
  #hasFailed = false;

  constructor(options: RepeatedSendOptions) {
    this.#options = options;
    void this.#send();
  }

  /** True if the last sending failed. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Sends the batch again at once. */
  sendNow(): void {
    void this.#send();
  }

  /** Sends the batch again at once, except if a job with it still waits for a worker. */
  async repeat(): Promise<void> {
    this.#continueAfter(REPEAT_AFTER_MS);
    // While Redis does not answer, one question is enough.
    if (this.#unanswered > 0 || (await this.#isWaiting()) || this.#isStopped) return;
    await this.#send(REPEAT_AFTER_MS);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #send(continueAfterMs = RESEND_AFTER_MS): Promise<void> {
    this.#continueAfter(continueAfterMs);
    this.#unanswered++;
    try {
      this.#jobId = await this.#options.send(this.#sendings++);
      this.#hasFailed = false;
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onError(error);
      this.#continueAfter(RETRY_AFTER_MS);
    } finally {
      this.#unanswered--;
    }
  }

  /** If Redis does not say where the job is, a copy is sent: a copy is harmless, and a lost job is not. */
  async #isWaiting(): Promise<boolean> {
    if (this.#jobId === undefined) return false;
    this.#unanswered++;
    try {
      return await this.#options.isWaiting(this.#jobId);
    } catch {
      return false;
    } finally {
      this.#unanswered--;
    }
  }

  #continueAfter(delayMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#continue(), delayMs);
  }

  #continue(): void {
    if (performance.now() < this.#giveUpAtMs) {
      void this.repeat();
      return;
    }
    this.stop();
    this.#options.onGiveUp();
  }
}
