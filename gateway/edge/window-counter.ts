import type { Redis, Result } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import { orUnavailable } from './unavailable.ts';

/**
 * Increases a count, but never above the maximum. The first count starts the window. ARGV: the maximum, the window in
 * ms, how much the caller needs, and how much more it wants. Of the rest, it gets at most a quarter more than it needs.
 * Returns what was granted, what is left, and the ms until the window ends.
 */
const TAKE = `
local left = math.max(tonumber(ARGV[1]) - tonumber(redis.call('get', KEYS[1]) or '0'), 0)
local granted = math.min(left, tonumber(ARGV[3]) + math.min(tonumber(ARGV[4]), math.floor(left / 4)))
if granted > 0 and redis.call('incrby', KEYS[1], granted) == granted then
  redis.call('pexpire', KEYS[1], ARGV[2])
end
return { granted, left - granted, math.max(redis.call('pttl', KEYS[1]), 1) }`;

const GIVE_BACK = `
if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then redis.call('decr', KEYS[1]) end`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    /** See `TAKE`. */
    roomsTake(key: string, max: number, windowMs: number, needed: number, spare: number): Result<number[], Context>;
    /** See `GIVE_BACK`. */
    roomsGiveBack(key: string): Result<null, Context>;
  }
}

/** Allows at most `max` counts of `name` in a window. */
export interface WindowLimit {
  name: string;
  max: number;
  windowMs: number;
}

/** A request for counts: the caller needs `needed`, and can use `spare` more. */
export interface CountRequest {
  limit: WindowLimit;
  needed: number;
  spare: number;
}

/** The answer to a {@link CountRequest}. */
export interface Grant {
  granted: number;
  /** How many counts Redis can still grant in this window. */
  left: number;
  /** Milliseconds until the window ends. */
  resetMs: number;
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
    // ioredis sends the source of such a command once for each connection, and later only its hash.
    redis.defineCommand('roomsTake', { lua: TAKE, numberOfKeys: 1 });
    redis.defineCommand('roomsGiveBack', { lua: GIVE_BACK, numberOfKeys: 1 });
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

  /** Answers requests, each for another limit, in one round trip. @throws Refusal `unavailable` */
  async grant(requests: CountRequest[]): Promise<Grant[]> {
    const pipeline = this.#redis.pipeline();
    for (const { limit, needed, spare } of requests) {
      pipeline.roomsTake(this.#keyOf(limit), limit.max, limit.windowMs, needed, spare);
    }
    const answers = (await orUnavailable(pipeline.exec())) ?? [];
    return answers.map(([error, answer]) => {
      if (error) throw new Refusal('unavailable', { cause: error });
      return toGrant(answer as number[]);
    });
  }

  /** Decreases the counts. If Redis does not answer, the counts stay until their windows end. */
  async giveBack(...limits: WindowLimit[]): Promise<void> {
    const givenBack = limits.map((limit) => this.#redis.roomsGiveBack(this.#keyOf(limit)));
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
    const { granted, resetMs } = toGrant(
      await orUnavailable(this.#redis.roomsTake(this.#keyOf(limit), max, windowMs, 1, 0)),
    );
    if (granted === 0) throw rateLimited(resetMs);
  }

  #keyOf({ name }: WindowLimit): string {
    return `${this.#prefix}:limit:${name}`;
  }
}

/** The refusal of a caller that may try again when the window ends. */
export function rateLimited(resetMs: number): Refusal {
  return new Refusal('rate_limited', { retryAfter: Math.ceil(resetMs / 1_000) });
}

function toGrant([granted = 0, left = 0, resetMs = 1]: number[]): Grant {
  return { granted, left, resetMs };
}
