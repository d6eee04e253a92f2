import { Refusal } from '../../shared/contract/errors.ts';

export interface UserTurnsOptions {
  /** At most this number of reads run at the same time. */
  atOnce: number;
  /** At most this number of reads of one user run at the same time. */
  ofUserAtOnce: number;
  /** At most this number of reads of one user wait. */
  ofUserWaiting: number;
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
   * @throws Refusal `too_many_reads`, or the error of the read
   */
  async run<T>(userId: string, read: () => Promise<T>, isAfterCommand = false): Promise<T> {
    if (this.#mayStart(userId)) this.#start(userId);
    else await this.#wait(userId, isAfterCommand);
    try {
      return await read();
    } finally {
      this.#finish(userId);
    }
  }

  #mayStart(userId: string): boolean {
    const { atOnce, ofUserAtOnce } = this.#options;
    return this.#runningOfAll < atOnce && (this.#running.get(userId) ?? 0) < ofUserAtOnce;
  }

  #start(userId: string): void {
    this.#runningOfAll++;
    this.#running.set(userId, (this.#running.get(userId) ?? 0) + 1);
  }

  #wait(userId: string, isAfterCommand: boolean): Promise<void> {
    const waiting = this.#waiting.get(userId) ?? [];
    if (waiting.length >= this.#options.ofUserWaiting && !isAfterCommand)
      throw new Refusal('too_many_reads', { retryAfter: 1 });
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
