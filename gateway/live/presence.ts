import type { Redis } from 'ioredis';
import type { Log } from '../../shared/log.ts';

/** Milliseconds between signs of life, and until a gateway without one counts as gone, its users as offline. */
const EVERY = 10_000;
const LEASE = 30_000;
/** Milliseconds after which a gateway that is gone is forgotten. */
const FORGET = 3_600_000;
const AT_ONCE = 1_000;

/**
 * Who is online: each gateway leases a set in Redis of the users with a socket there. A set whose gateway gives no sign
 * of life for thirty seconds is gone, and so nobody is online for ever because something crashed.
 */
export class Presence {
  readonly #redis: Redis;
  readonly #gateway: string;
  readonly #prefix: string;
  readonly #log: Log;
  readonly #online = new Set<string>();
  readonly #timer: NodeJS.Timeout;
  /** Redis may not know all that it was told. */
  #unsure = false;

  constructor(redis: Redis, gateway: string, prefix: string, log: Log) {
    this.#redis = redis;
    this.#gateway = gateway;
    this.#prefix = prefix;
    this.#log = log;
    this.#timer = setInterval(() => void this.#renew(), EVERY);
    void this.#renew();
  }

  /** A user has a socket here; may be said again. */
  enter(userId: string): void {
    if (this.#online.has(userId)) return;
    this.#online.add(userId);
    void this.#tell(async () => {
      const pipeline = this.#redis.pipeline().sadd(this.#own, userId).pexpire(this.#own, LEASE);
      for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error;
    });
  }

  /** A user has no socket here any more. */
  leave(userId: string): void {
    if (this.#online.delete(userId)) void this.#tell(() => this.#redis.srem(this.#own, userId));
  }

  /** Those of the users who have a socket on any gateway; nobody while Redis is away. */
  async whoIsOnline(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    try {
      const gateways = await this.#redis.zrange(this.#gateways, 0, '-1');
      const pipeline = this.#redis.pipeline();
      for (const gateway of gateways) pipeline.smismember(this.#setOf(gateway), userIds);
      const answers = ((await pipeline.exec()) ?? []).map(([, found]) => (found ?? []) as number[]);
      return new Set(userIds.filter((_, index) => answers.some((found) => found[index] === 1)));
    } catch (error) {
      this.#log.debug({ error }, 'who is online could not be read');
      return new Set();
    }
  }

  /** Ends the lease. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#tell(() => this.#redis.pipeline().del(this.#own).zrem(this.#gateways, this.#gateway).exec());
  }

  /** A sign of life; and the whole set again if it was lost or something was not taken. */
  async #renew(): Promise<void> {
    await this.#tell(async () => {
      await this.#redis.zadd(this.#gateways, Date.now(), this.#gateway);
      await this.#redis.zremrangebyscore(this.#gateways, 0, Date.now() - FORGET);
      const leased = (await this.#redis.pexpire(this.#own, LEASE)) === 1;
      if (this.#unsure || (!leased && this.#online.size > 0)) await this.#rewrite();
    });
  }

  async #rewrite(): Promise<void> {
    this.#unsure = false;
    const users = [...this.#online];
    const transaction = this.#redis.multi().del(this.#own);
    for (let first = 0; first < users.length; first += AT_ONCE) {
      transaction.sadd(this.#own, ...users.slice(first, first + AT_ONCE));
    }
    await transaction.pexpire(this.#own, LEASE).exec();
  }

  async #tell(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
    } catch (error) {
      this.#unsure = true;
      this.#log.debug({ error }, 'presence could not be told');
    }
  }

  get #own(): string {
    return this.#setOf(this.#gateway);
  }

  get #gateways(): string {
    return `${this.#prefix}:online`;
  }

  #setOf(gateway: string): string {
    return `${this.#prefix}:online:${gateway}`;
  }
}
