import type { AccountChange } from '../../shared/contract/account-commands.ts';
import type { Log } from '../../shared/log.ts';
import { wait } from '../../shared/wait.ts';
import type { Reads } from '../reads/reads.ts';

const RETRY_AFTER_MS = 250;

export interface EpochOptions {
  reads: Pick<Reads, 'epoch'>;
  /** Sends a change to the workers. Never rejects. Resolves with the outcome, also if it is a refusal. */
  submit: (change: AccountChange) => Promise<unknown>;
  log: Log;
}

/**
 * The epoch: the id of the database, as clients know it. A position (a seq of a room) of another epoch says nothing. After
 * Postgres has gone back in time, the epoch must change: other messages will get the seqs that clients have.
 */
export class Epoch {
  readonly #options: EpochOptions;
  /** Clients may have seqs of these epochs that do not exist any more. */
  readonly #spent = new Set<string>();
  #id: string;
  /** Reads follow each other. Otherwise a late answer could bring back an epoch of before. */
  #lastCheck: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(id: string, options: EpochOptions) {
    this.#id = id;
    this.#options = options;
  }

  /** @throws Refusal `unavailable` if Postgres does not answer */
  static async open(options: EpochOptions): Promise<Epoch> {
    return new Epoch(await options.reads.epoch(), options);
  }

  get id(): string {
    return this.#id;
  }

  /**
   * Reads the epoch. @returns true if it has changed since the last read. Then all sockets must reload.
   * @throws Refusal `unavailable` if Postgres does not answer
   */
  check(): Promise<boolean> {
    const check = this.#lastCheck.then(() => this.#read());
    this.#lastCheck = check.catch(() => undefined);
    return check;
  }

  /** Call this when Postgres has gone back in time. */
  spend(): void {
    this.#spent.add(this.#id);
  }

  /**
   * Resolves when the epoch of the database is not spent. Asks the workers to change a spent epoch, again and again. Never
   * rejects.
   */
  async renew(): Promise<void> {
    const { submit, log } = this.#options;
    for (let attempt = 1; this.#isSpent && !this.#isClosed; attempt++) {
      if (attempt > 1) await wait(RETRY_AFTER_MS, { keepsProcess: false });
      const outcome = await submit({ command: 'ChangeEpoch', epoch: this.#id });
      const error = await this.check().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (this.#isSpent && attempt === 1)
        log.warn({ outcome, error }, 'the epoch is not changed yet, it is tried again');
    }
  }

  /** Ends {@link renew}. */
  close(): void {
    this.#isClosed = true;
  }

  get #isSpent(): boolean {
    return this.#spent.has(this.#id);
  }

  async #read(): Promise<boolean> {
    const id = await this.#options.reads.epoch();
    if (id === this.#id) return false;
    // If Postgres goes back to an epoch of before, this epoch is spent.
    this.#spent.add(this.#id);
    this.#id = id;
    return true;
  }
}
