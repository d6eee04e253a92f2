import { Refusal } from '../../shared/contract/errors.ts';

export interface UserTurnsOptions {
  /** At most this number of reads run at the same time. */
  atOnce: number;
  /** At most this number of reads of one user run at the same time. */
  ofUserAtOnce: number;
  /** At most this number of reads of one user wait. */
  ofUserWaiting: number;
  /** The code of the refusal of one more read. */
  refusal?: 'too_many_reads' | 'rate_limited';
}

/**
 * Bounds the reads of each user. A read beyond the bounds waits, and one user with too many waiting reads is refused.
 * The users with waiting reads take turns, so a user with many reads does not delay the read of another user.
 */
export class UserTurns {
  readonly #options: UserTurnsOptions;
  readonly #running = new Map<string, number>();
  /** The waiting reads of each user. The first user is the next. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #runningOfAll = 0;

  constructor(options: UserTurnsOptions) {
    this.#options = options;
  }

  /**
   * Runs a read when the user may have one more.
   * @param isAfterCommand true if the user's command is already committed. Then the read is never refused.
   * @throws Refusal as {@link check}, or the error of the read
   */
  async run<T>(userId: string, read: () => Promise<T>, isAfterCommand = false): Promise<T> {
    if (!isAfterCommand) this.check(userId);
    if (this.#mayStart(userId)) this.#start(userId);
    else await this.#wait(userId);
    try {
      return await read();
    } finally {
      this.#finish(userId);
    }
  }

  /** @throws Refusal `too_many_reads`, or the code of the options, if one more read of the user would be refused */
  check(userId: string): void {
    const { ofUserWaiting, refusal = 'too_many_reads' } = this.#options;
    const isFull = (this.#waiting.get(userId)?.length ?? 0) >= ofUserWaiting;
    if (isFull && !this.#mayStart(userId)) throw new Refusal(refusal, { retryAfter: 1 });
  }

  #mayStart(userId: string): boolean {
    const { atOnce, ofUserAtOnce } = this.#options;
    return this.#runningOfAll < atOnce && (this.#running.get(userId) ?? 0) < ofUserAtOnce;
  }

  #start(userId: string): void {
    this.#runningOfAll++;
    this.#running.set(userId, (this.#running.get(userId) ?? 0) + 1);
  }

  #wait(userId: string): Promise<void> {
    const waiting = this.#waiting.get(userId) ?? [];
    this.#waiting.set(userId, waiting);
    return new Promise((resolve) => waiting.push(resolve));
  }

  #finish(userId: string): void {
    this.#runningOfAll--;
    const running = (this.#running.get(userId) ?? 0) - 1;
    if (running > 0) this.#running.set(userId, running);
    else this.#running.delete(userId);
    this.#startNext();
  }

  #startNext(): void {
    for (const [userId, waiting] of this.#waiting) {
      if (!this.#mayStart(userId)) continue;
      const [startRead, ...others] = waiting;
      this.#waiting.delete(userId);
      if (others.length > 0) this.#waiting.set(userId, others);
      this.#start(userId);
      startRead?.();
      return;
    }
  }
}
