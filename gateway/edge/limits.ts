import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config.ts';
import { type ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';
import { orUnavailable } from './unavailable.ts';

/** CappedCounts one more in a window that begins with its first; answers 0, or the milliseconds until the window ends. */
const TAKE = `
local used = tonumber(redis.call('get', KEYS[1]) or '0')
if used >= tonumber(ARGV[1]) then return math.max(redis.call('pttl', KEYS[1]), 1) end
redis.call('incr', KEYS[1])
if used == 0 then redis.call('pexpire', KEYS[1], ARGV[2]) end
return 0`;

const GIVE_BACK = `
if tonumber(redis.call('get', KEYS[1]) or '0') > 0 then redis.call('decr', KEYS[1]) end`;

/** How many times as often all strangers together, and one address for all accounts, may try as one does for one. */
const FOR_ALL = 10;
/** The same of searches: whoever types one letter after the other searches for each. */
const FOR_SEARCHES = 40;
/** Milliseconds that an address is remembered from which an account was logged in to. */
const KNOWN_FOR = 30 * 24 * 3_600_000;

/** The name of what is limited, how often, and in how many milliseconds. */
type Limit = [name: string, most: number, window: number];

type LimitsConfig = Config<'REDIS_PREFIX' | 'RATE_LIMIT' | 'RATE_WINDOW' | 'LOGIN_ATTEMPTS' | 'LOGIN_WINDOW'>;

/** How often something may be asked for, counted in Redis and so over all gateways. Refuses with `rate_limited`. */
export class Limits {
  readonly #redis: Redis;
  readonly #config: LimitsConfig;
  readonly #log: Log;

  constructor(redis: Redis, config: LimitsConfig, log: Log) {
    this.#redis = redis;
    this.#config = config;
    this.#log = log;
  }

  /** CappedCounts a request. While Redis is away it is let through: what must not be done then is refused elsewhere. */
  async request(address: string): Promise<void> {
    const { RATE_LIMIT, RATE_WINDOW } = this.#config;
    try {
      await this.#take([`requests:${address}`, RATE_LIMIT, RATE_WINDOW]);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'rate_limited') throw error;
      this.#log.debug({ error }, 'a request was not counted');
    }
  }

  /**
   * Lets a password be looked at, if it may. An account can be tried so often from one address, and ten times as often
   * from all together; but whoever has logged in from his address before is not held up by what others do.
   * A right password begins anew; what fails otherwise than with `wrong_credentials` was no try.
   * @throws Refusal `rate_limited`, or `unavailable`: without Redis nobody logs in
   */
  async login<T>(email: string, address: string, look: () => Promise<T>): Promise<T> {
    const { LOGIN_ATTEMPTS: most, LOGIN_WINDOW: window } = this.#config;
    const account = digest(email);
    const isKnown = await this.#isKnown(account, address);
    const own = `logins:${account}:${address}`;
    const taken = await this.#takeAll(
      [own, most, window],
      [`logins-by:${address}`, most * FOR_ALL, window],
      ...(isKnown ? [] : [[`logins-to:${account}`, most * FOR_ALL, window] satisfies Limit]),
    );
    const result = await this.#unlessWrong('wrong_credentials', taken, look);
    await this.#remember(this.#knownKey(account, address), own);
    return result;
  }

  /**
   * CappedCounts a one-time password that is to be mailed; from all addresses together twice as many as from one, but whoever
   * has logged in from his address before is not held up by what others do.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  async otp(email: string, address: string): Promise<void> {
    const { LOGIN_ATTEMPTS: most, LOGIN_WINDOW: window } = this.#config;
    const account = digest(email);
    await this.#takeAll(
      [`otps:${account}:${address}`, most, window],
      [`otps-by:${address}`, most * FOR_ALL, window],
      ...((await this.#isKnown(account, address)) ? [] : [[`otps-to:${account}`, most * 2, window] satisfies Limit]),
    );
  }

  /**
   * Lets a code be tried, if it may: an address has twice as many wrong ones as wrong passwords for one account, so that
   * it cannot use up everyone's codes.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  async code<T>(address: string, look: () => Promise<T>): Promise<T> {
    const { LOGIN_ATTEMPTS: most, LOGIN_WINDOW: window } = this.#config;
    const taken = await this.#takeAll([`codes-by:${address}`, most * 2, window]);
    return this.#unlessWrong('wrong_otp', taken, look);
  }

  /** CappedCounts a new account of an address. @throws Refusal `rate_limited` or `unavailable` */
  async registration(address: string): Promise<void> {
    const { LOGIN_ATTEMPTS: most, LOGIN_WINDOW: window } = this.#config;
    await this.#take([`accounts-by:${address}`, most * FOR_ALL, window]);
  }

  /** CappedCounts a search for users, by which e-mails could be guessed. @throws Refusal `rate_limited` or `unavailable` */
  async search(userId: string): Promise<void> {
    const { LOGIN_ATTEMPTS: most, LOGIN_WINDOW: window } = this.#config;
    await this.#take([`searches:${userId}`, most * FOR_SEARCHES, window]);
  }

  async #isKnown(account: string, address: string): Promise<boolean> {
    return (await orUnavailable(this.#redis.exists(this.#knownKey(account, address)))) === 1;
  }

  /** Gives back what was taken, unless that was a wrong try. */
  async #unlessWrong<T>(wrong: ErrorCode, taken: Limit[], look: () => Promise<T>): Promise<T> {
    try {
      const result = await look();
      await this.#giveBack(taken);
      return result;
    } catch (error) {
      if (!(error instanceof Refusal && error.code === wrong)) await this.#giveBack(taken);
      throw error;
    }
  }

  /** All of them or none. One after the other: who is refused by the first must not, even for a moment, use up the next. */
  async #takeAll(...limits: Limit[]): Promise<Limit[]> {
    const taken: Limit[] = [];
    for (const limit of limits) {
      try {
        await this.#take(limit);
      } catch (error) {
        await this.#giveBack(taken);
        throw error;
      }
      taken.push(limit);
    }
    return taken;
  }

  async #take([name, most, window]: Limit): Promise<void> {
    const key = this.#keyOf(name);
    const wait = Number(await orUnavailable(this.#redis.eval(TAKE, 1, key, most, window)));
    if (wait > 0) throw new Refusal('rate_limited', { retryAfter: Math.ceil(wait / 1_000) });
  }

  /** An address that has shown the right password. */
  async #remember(known: string, own: string): Promise<void> {
    try {
      await this.#redis.set(known, '', 'PX', KNOWN_FOR);
      await this.#redis.del(this.#keyOf(own));
    } catch (error) {
      this.#log.debug({ error }, 'an address was not remembered');
    }
  }

  /** What cannot be given back ends with its window. */
  async #giveBack(limits: Limit[]): Promise<void> {
    const back = limits.map(([name]) => this.#redis.eval(GIVE_BACK, 1, this.#keyOf(name)));
    await Promise.all(back).catch((error: unknown) => this.#log.debug({ error }, 'a try was not given back'));
  }

  #knownKey(account: string, address: string): string {
    return `${this.#config.REDIS_PREFIX}:known:${account}:${address}`;
  }

  #keyOf(name: string): string {
    return `${this.#config.REDIS_PREFIX}:limit:${name}`;
  }
}

function digest(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64url');
}
