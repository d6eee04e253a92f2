import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Config } from '../../shared/config.ts';
import { type ErrorCode, Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Log } from '../../shared/log.ts';
import { LeasedCounter } from './leased-counter.ts';
import { type ShownRate, takeAndShow, takeNowAndShow } from './rate-headers.ts';
import { orUnavailable } from './unavailable.ts';
import { WindowCounter, type WindowLimit } from './window-counter.ts';

/** The IP address of a successful login is a known address of the account for this time. */
const KNOWN_ADDRESS_MS = 30 * 24 * 3_600_000;

type RateLimitsConfig = Config<
  | 'REDIS_PREFIX'
  | 'RATE_LIMIT'
  | 'RATE_WINDOW'
  | 'LOGIN_ATTEMPTS'
  | 'LOGIN_WINDOW'
  | 'REGISTRATION_LIMIT'
  | 'REGISTRATION_WINDOW'
>;

/**
 * The limits on how often an IP address, an account or a user may do something. In this file, an address is an IP
 * address. The methods `count…` count an action. The methods `guard…` count an attempt only if its password or one-time
 * password was wrong.
 */
export class RateLimits {
  readonly #redis: Redis;
  readonly #config: RateLimitsConfig;
  /** Counts exactly, with a round trip for each count. The limits on passwords and accounts need this. */
  readonly #counter: WindowCounter;
  readonly #leases: LeasedCounter;
  readonly #log: Log;

  constructor(redis: Redis, config: RateLimitsConfig, log: Log) {
    this.#redis = redis;
    this.#config = config;
    this.#counter = new WindowCounter(redis, config.REDIS_PREFIX, log);
    this.#leases = new LeasedCounter(this.#counter);
    this.#log = log;
  }

  /**
   * Counts a request of an address. While Redis does not answer, requests pass. Routes that need a limit for safety
   * have a second limit, and without Redis this second limit refuses every request.
   * @param shown gets what is left, for the headers of the answer
   * @returns undefined if the request is counted already. This is the usual case, and costs no promise.
   * @throws Refusal `rate_limited`, at once or in the promise
   */
  countRequest(address: string, shown?: ShownRate): Promise<void> | undefined {
    const { RATE_LIMIT: max, RATE_WINDOW: windowMs } = this.#config;
    const limit = { name: `requests:${address}`, max, windowMs };
    return takeNowAndShow(this.#leases, limit, shown) ? undefined : this.#takeRequest(limit, shown);
  }

  /**
   * Makes a login attempt if the limits allow it. Wrong passwords are counted three times: (1) per account and
   * address, (2) per address, (3) per account, with one count for all addresses together, except the known addresses
   * of the account. A success resets the first.
   * @throws Refusal `rate_limited`, or `unavailable`: without Redis nobody can log in
   */
  async guardLogin<T>(email: string, address: string, attempt: () => Promise<T>): Promise<T> {
    const account = digest(email);
    const accountAddressLimit = this.#limitOf(`logins:${account}:${address}`);
    const limitsOfAttempt = [
      accountAddressLimit,
      this.#limitOf(`logins-by:${address}`, limits.LOGIN_ATTEMPTS_FACTOR),
      ...(await this.#limitForUnknownAddress(account, address, `logins-to:${account}`, limits.LOGIN_ATTEMPTS_FACTOR)),
    ];
    const result = await this.#guard(limitsOfAttempt, 'wrong_credentials', attempt);
    await this.#rememberAddress(account, address, accountAddressLimit);
    return result;
  }

  /**
   * Counts a one-time password that will be mailed. The mails have the same three counts as the wrong passwords in
   * `guardLogin`, with limits of their own.
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
   * Makes an attempt to use a one-time password. Each one-time password allows only a few wrong tries. Without this
   * limit, one address could use up the tries for the one-time passwords of many users.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  guardOtp<T>(address: string, attempt: () => Promise<T>): Promise<T> {
    return this.#guard([this.#limitOf(`codes-by:${address}`, limits.WRONG_OTPS_FACTOR)], 'wrong_otp', attempt);
  }

  /** Counts a new account that an address makes. @throws Refusal `rate_limited` or `unavailable` */
  countRegistration(address: string): Promise<void> {
    const { REGISTRATION_LIMIT: max, REGISTRATION_WINDOW: windowMs } = this.#config;
    return this.#counter.take({ name: `accounts-by:${address}`, max, windowMs });
  }

  /**
   * Counts a search for users, because searches can find out e-mail addresses.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  countSearch(userId: string): Promise<void> {
    return this.#counter.take(this.#limitOf(`searches:${userId}`, limits.SEARCHES_FACTOR));
  }

  async #takeRequest(limit: WindowLimit, shown: ShownRate | undefined): Promise<void> {
    try {
      await takeAndShow(this.#leases, limit, shown);
    } catch (error) {
      if (error instanceof Refusal && error.code === 'rate_limited') throw error;
      this.#log.debug({ error }, 'a request could not be counted');
    }
  }

  #limitOf(name: string, factor = 1): WindowLimit {
    return { name, max: this.#config.LOGIN_ATTEMPTS * factor, windowMs: this.#config.LOGIN_WINDOW };
  }

  /** Returns no limit for a known address of the account. So strangers cannot prevent the owner from logging in. */
  async #limitForUnknownAddress(
    account: string,
    address: string,
    name: string,
    factor: number,
  ): Promise<WindowLimit[]> {
    const isKnown = (await orUnavailable(this.#redis.exists(this.#knownKey(account, address)))) === 1;
    return isKnown ? [] : [this.#limitOf(name, factor)];
  }

  /**
   * Counts before the attempt. Afterwards takes the counts back, except if the attempt was refused with
   * `countedCode`.
   */
  async #guard<T>(limitsOfAttempt: WindowLimit[], countedCode: ErrorCode, attempt: () => Promise<T>): Promise<T> {
    await this.#counter.take(...limitsOfAttempt);
    try {
      const result = await attempt();
      await this.#counter.giveBack(...limitsOfAttempt);
      return result;
    } catch (error) {
      if (!(error instanceof Refusal && error.code === countedCode)) await this.#counter.giveBack(...limitsOfAttempt);
      throw error;
    }
  }

  async #rememberAddress(account: string, address: string, accountAddressLimit: WindowLimit): Promise<void> {
    try {
      await this.#redis.set(this.#knownKey(account, address), '', 'PX', KNOWN_ADDRESS_MS);
      await this.#counter.reset(accountAddressLimit);
    } catch (error) {
      this.#log.debug({ error }, 'the address of a login could not be stored as known');
    }
  }

  #knownKey(account: string, address: string): string {
    return `${this.#config.REDIS_PREFIX}:known:${account}:${address}`;
  }
}

/**
 * Hashes an e-mail address, so that Redis contains the hash and not the address. Upper and lower case give the same
 * hash.
 */
function digest(email: string): string {
  return createHash('sha256').update(email.toLowerCase()).digest('base64url');
}
