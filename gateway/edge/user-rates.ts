import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config.ts';
import type { CommandName } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Log } from '../../shared/log.ts';
import { withTimeout } from '../../shared/timeout.ts';
import { LeasedCounter } from './leased-counter.ts';
import { type ShownRate, takeAndShow, takeNowAndShow } from './rate-headers.ts';
import { WindowCounter, type WindowLimit } from './window-counter.ts';

/** A gateway allows this part of a rate before it asks Redis. Most users never send more. */
const FREE_PART = 0.1;
/** Redis has not answered if it takes longer. */
const COUNT_TIMEOUT_MS = 500;
/** After Redis did not answer, commands are not counted in Redis for this time. So they do not wait one by one. */
const PAUSE_AFTER_ERROR_MS = 1_000;

/** Logouts do not count. So a person who uses up the rate with a stolen token cannot prevent the logout of the user. */
export type CountedCommand = CommandName | 'UpdateUser' | 'ChangeRole';

type UserRatesConfig = Config<'REDIS_PREFIX' | 'USER_RATE' | 'ROOMS_PER_HOUR' | 'ADDITIONS_PER_MINUTE'>;

/**
 * Counts the commands of each user: over all sockets, over HTTP and over all gateways together. A command counts also if
 * it is refused later, because a refused command costs as much as another one.
 */
export class UserRates {
  readonly #config: UserRatesConfig;
  readonly #leases: LeasedCounter;
  readonly #log: Log;
  /** For each user with a command that needs several counts: the end of the counts of the last command. */
  readonly #pending = new Map<string, Promise<void>>();
  /** By `performance.now()`. Until then, Redis is not asked. */
  #pausedUntil = 0;

  constructor(redis: Redis, config: UserRatesConfig, log: Log) {
    this.#config = config;
    this.#leases = new LeasedCounter(new WindowCounter(redis, config.REDIS_PREFIX, log), { freePart: FREE_PART });
    this.#log = log;
  }

  /**
   * Counts a command of a user. The calls for one user end in their order, so the commands of a socket keep their order.
   * While Redis does not answer, commands pass: they wait in their lane for Redis.
   * @param shown gets what is left, for the headers of an answer
   * @returns undefined if the command is counted already. This is the usual case, and costs no promise.
   * @throws Refusal `rate_limited`, at once or in the promise
   */
  countCommand(userId: string, command: CountedCommand, shown?: ShownRate): Promise<void> | undefined {
    const limit = this.#limitOf('commands', userId);
    const ownLimit = this.#ownLimitOf(command, userId);
    const taken = ownLimit ? [limit, ownLimit] : [limit];
    const pending = this.#pending.get(userId);
    if (pending) return this.#takeInOrder(userId, pending, taken, shown);
    const first = taken.findIndex((each) => !takeNowAndShow(this.#leases, each, shown));
    if (first === -1) return undefined;
    return ownLimit ? this.#takeInOrder(userId, undefined, taken.slice(first), shown) : this.#take(limit, shown);
  }

  async #takeInOrder(
    userId: string,
    pending: Promise<void> | undefined,
    taken: WindowLimit[],
    shown: ShownRate | undefined,
  ): Promise<void> {
    const counted = (pending ?? Promise.resolve()).then(async () => {
      for (const limit of taken) await this.#take(limit, shown);
    });
    const ended = counted.catch(() => undefined);
    this.#pending.set(userId, ended);
    try {
      await counted;
    } finally {
      if (this.#pending.get(userId) === ended) this.#pending.delete(userId);
    }
  }

  async #take(limit: WindowLimit, shown: ShownRate | undefined): Promise<void> {
    if (performance.now() < this.#pausedUntil) return;
    try {
      await withTimeout(takeAndShow(this.#leases, limit, shown), COUNT_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'rate_limited') throw error;
      this.#pausedUntil = performance.now() + PAUSE_AFTER_ERROR_MS;
      this.#log.debug({ error }, 'a command could not be counted');
    }
  }

  #limitOf(kind: 'commands' | 'rooms' | 'additions', userId: string): WindowLimit {
    const { USER_RATE, ROOMS_PER_HOUR, ADDITIONS_PER_MINUTE } = this.#config;
    const seconds = limits.USER_WINDOW_SECONDS;
    const name = `${kind}:${userId}`;
    if (kind === 'commands') return { name, max: USER_RATE * seconds, windowMs: seconds * 1_000 };
    if (kind === 'rooms') return { name, max: ROOMS_PER_HOUR, windowMs: 3_600_000 };
    return { name, max: ADDITIONS_PER_MINUTE, windowMs: 60_000 };
  }

  #ownLimitOf(command: CountedCommand, userId: string): WindowLimit | undefined {
    if (command === 'CreateRoom') return this.#limitOf('rooms', userId);
    return command === 'AddUser' ? this.#limitOf('additions', userId) : undefined;
  }
}
