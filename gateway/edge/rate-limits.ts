import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config.ts';
import { type ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Log } from '../../shared/log.ts';
import { orUnavailable } from './unavailable.ts';
import { WindowCounter, type WindowLimit } from './window-counter.ts';

/** An address stays known to an account for this time after a login. */
const KNOWN_ADDRESS_MS = 30 * 24 * 3_600_000;

type RateLimitsConfig = Config<'REDIS_PREFIX' | 'RATE_LIMIT' | 'RATE_WINDOW' | 'LOGIN_ATTEMPTS' | 'LOGIN_WINDOW'>;

/**
 * The policies of how often an address, an account or a user may do something. `count…` counts an action.
 * `guard…` runs an attempt and keeps the count only if the attempt was wrong.
 */
export class RateLimits {
  readonly #redis: Redis;
  readonly #config: RateLimitsConfig;
  readonly #counter: WindowCounter;
  readonly #log: Log;

  constructor(redis: Redis, config: RateLimitsConfig, log: Log) {
    this.#redis = redis;
    this.#config = config;
    this.#counter = new WindowCounter(redis, config.REDIS_PREFIX, log);
    this.#log = log;
  }

  /**
   * Counts a request of an address. While Redis does not answer, requests pass: routes that need a limit for safety
   * have one of their own, which refuses.
   * @throws Refusal `rate_limited`
   */
  async countRequest(address: string): Promise<void> {
    const { RATE_LIMIT: max, RATE_WINDOW: windowMs } = this.#config;
    try {
      await this.#counter.take({ name: `requests:${address}`, max, windowMs });
    } catch (error) {
      if (error instanceof Refusal && error.code === 'rate_limited') throw error;
      this.#log.debug({ error }, 'a request was not counted');
    }
  }

  /**
   * Runs a login attempt if the limits allow it. Wrong passwords count: per account and address, per address, and per
   * account over all addresses that have not logged in to it before. A success resets the first count.
   * @throws Refusal `rate_limited`, or `unavailable`: without Redis nobody logs in
   */
  async guardLogin<T>(email: string, address: string, attempt: () => Promise<T>): Promise<T> {
    const account = digest(email);
    const ofAccountAndAddress = this.#limitOf(`logins:${account}:${address}`);
    const limitsOfAttempt = [
      ofAccountAndAddress,
      this.#limitOf(`logins-by:${address}`, limits.LOGIN_ATTEMPTS_FACTOR),
      ...(await this.#limitForUnknownAddress(account, address, `logins-to:${account}`, limits.LOGIN_ATTEMPTS_FACTOR)),
    ];
    const result = await this.#guard(limitsOfAttempt, 'wrong_credentials', attempt);
    await this.#rememberAddress(account, address, ofAccountAndAddress);
    return result;
  }

  /**
   * Counts a one-time password that will be mailed: per account and address, per address, and per account over all
   * addresses that have not logged in to it before.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  async countOtpMail(email: string, address: string): Promise<void> {
    const account = digest(email);
    await this.#counter.take(
      this.#limitOf(`otps:${account}:${address}`),
      this.#limitOf(`otps-by:${address}`, limits.OTP_MAILS_OF_ADDRESS_FACTOR),
      ...(await this.#limitForUnknownAddress(account, address, `otps-to:${account}`, limits.OTP_MAILS_FACTOR)),
    );
  }

  /**
   * Runs an attempt to use a one-time password. Wrong codes count per address, so that one address cannot use up the
   * codes of everyone.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  guardOtp<T>(address: string, attempt: () => Promise<T>): Promise<T> {
    return this.#guard([this.#limitOf(`codes-by:${address}`, limits.WRONG_CODES_FACTOR)], 'wrong_otp', attempt);
  }

  /** Counts a new account of an address. @throws Refusal `rate_limited` or `unavailable` */
  countRegistration(address: string): Promise<void> {
    return this.#counter.take(this.#limitOf(`accounts-by:${address}`, limits.REGISTRATIONS_FACTOR));
  }

  /** Counts a search for users, because a search can guess e-mails. @throws Refusal `rate_limited` or `unavailable` */
  countSearch(userId: string): Promise<void> {
    return this.#counter.take(this.#limitOf(`searches:${userId}`, limits.SEARCHES_FACTOR));
  }

  #limitOf(name: string, factor = 1): WindowLimit {
    return { name, max: this.#config.LOGIN_ATTEMPTS * factor, windowMs: this.#config.LOGIN_WINDOW };
  }

  /** A limit for addresses that the account does not know. Strangers cannot lock out a known address with it. */
  async #limitForUnknownAddress(
    account: string,
    address: string,
    name: string,
    factor: number,
  ): Promise<WindowLimit[]> {
    const isKnown = (await orUnavailable(this.#redis.exists(this.#knownKey(account, address)))) === 1;
    return isKnown ? [] : [this.#limitOf(name, factor)];
  }

  /** Counts before the attempt, and gives the counts back unless the attempt was wrong. */
  async #guard<T>(limitsOfAttempt: WindowLimit[], wrong: ErrorCode, attempt: () => Promise<T>): Promise<T> {
    await this.#counter.take(...limitsOfAttempt);
    try {
      const result = await attempt();
      await this.#counter.giveBack(...limitsOfAttempt);
      return result;
    } catch (error) {
      if (!(error instanceof Refusal && error.code === wrong)) await this.#counter.giveBack(...limitsOfAttempt);
      throw error;
    }
  }

  async #rememberAddress(account: string, address: string, ofAccountAndAddress: WindowLimit): Promise<void> {
    try {
      await this.#redis.set(this.#knownKey(account, address), '', 'PX', KNOWN_ADDRESS_MS);
      await this.#counter.reset(ofAccountAndAddress);
    } catch (error) {
      this.#log.debug({ error }, 'a known address was not stored');
    }
  }

  #knownKey(account: string, address: string): string {
    return `${this.#config.REDIS_PREFIX}:known:${account}:${address}`;
  }
}

/** A key without the e-mail in it. Equal for e-mails that differ only in upper and lower case. */
function digest(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64url');
}
