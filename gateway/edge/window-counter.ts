import type { Redis } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import { orUnavailable } from './unavailable.ts';

/**
 * Increases a count and returns 0. The first count starts the window. If the limit is reached, returns the milliseconds
 * until the window ends.
 */
const TAKE = `
local count = tonumber(redis.call('get', KEYS[1]) or '0')
if count >= tonumber(ARGV[1]) then return math.max(redis.call('pttl', KEYS[1]), 1) end
redis.call('incr', KEYS[1])
if count == 0 then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`;

const GIVE_BACK = `
if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then redis.call('decr', KEYS[1]) end`;

/** Allows at most `max` counts of `name` in a window. */
export interface WindowLimit {
  name: string;
  max: number;
  windowMs: number;
}

/** Keeps counts in windows of fixed length. The counts are in Redis, so all gateways share them. */
export class WindowCounter {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #log: Log;

  /** @param prefix `REDIS_PREFIX` */
  constructor(redis: Redis, prefix: string, log: Log) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#log = log;
  }

  /** Counts in every limit, or in none if a limit refuses. @throws Refusal `rate_limited` or `unavailable` */
  async take(...limits: WindowLimit[]): Promise<void> {
    const taken: WindowLimit[] = [];
    // In sequence: a caller that the first limit refuses must never use up the second limit.
    for (const limit of limits) {
      try {
        await this.#takeOne(limit);
      } catch (error) {
        await this.giveBack(...taken);
        throw error;
      }
      taken.push(limit);
    }
  }

  /** Decreases the counts. If Redis does not answer, the counts stay until their windows end. */
  async giveBack(...limits: WindowLimit[]): Promise<void> {
    const givenBack = limits.map((limit) => this.#redis.eval(GIVE_BACK, 1, this.#keyOf(limit)));
    await Promise.all(givenBack).catch((error: unknown) =>
      this.#log.debug({ error }, 'a count could not be given back'),
    );
  }

  /** Sets the count of a limit to 0. */
  async reset(limit: WindowLimit): Promise<void> {
    await this.#redis.del(this.#keyOf(limit));
  }

  async #takeOne(limit: WindowLimit): Promise<void> {
    const { max, windowMs } = limit;
    const waitMs = Number(await orUnavailable(this.#redis.eval(TAKE, 1, this.#keyOf(limit), max, windowMs)));
    if (waitMs > 0) throw new Refusal('rate_limited', { retryAfter: Math.ceil(waitMs / 1_000) });
  }

  #keyOf({ name }: WindowLimit): string {
    return `${this.#prefix}:limit:${name}`;
  }
}
