import type { Config } from '../../shared/config.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { CappedCounts } from '../edge/capped-counts.ts';
import { AttachTurns } from './attach-turns.ts';

/** After these seconds a client may try again, because other sockets may have closed. */
const RETRY_AFTER_S = 10;

/**
 * Counts the sockets of each user and of each IP address on this gateway, and the sockets that attach. Refuses a socket
 * beyond the limits.
 */
export class SocketAdmission {
  readonly #turns = new AttachTurns();
  readonly #perUser: CappedCounts;
  readonly #perAddress: CappedCounts;

  constructor({ SOCKETS_PER_USER, SOCKETS_PER_ADDRESS }: Config<'SOCKETS_PER_USER' | 'SOCKETS_PER_ADDRESS'>) {
    this.#perUser = new CappedCounts(SOCKETS_PER_USER);
    this.#perAddress = new CappedCounts(SOCKETS_PER_ADDRESS);
  }

  /** @throws Refusal `too_many_sockets` */
  checkAddress(address: string): void {
    if (this.#perAddress.isFull(address)) throw new Refusal('too_many_sockets', { retryAfter: RETRY_AFTER_S });
  }

  countAddress(address: string): void {
    this.#perAddress.increment(address);
  }

  uncountAddress(address: string): void {
    this.#perAddress.decrement(address);
  }

  /** @throws Refusal `too_many_sockets` */
  checkUser(userId: string): void {
    if (this.#perUser.isFull(userId)) throw new Refusal('too_many_sockets', { retryAfter: RETRY_AFTER_S });
  }

  countUser(userId: string): void {
    this.#perUser.increment(userId);
  }

  uncountUser(userId: string): void {
    this.#perUser.decrement(userId);
  }

  /** Does a part of an attach in its turn. @throws Refusal `busy`. Then the client reconnects after a few seconds */
  whileAttaching<T>(part: () => Promise<T>): Promise<T> {
    return this.#turns.run(part);
  }
}
