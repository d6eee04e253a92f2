import type { Redis } from 'ioredis';
import type { Log } from '../../shared/log.ts';

const USERS_PER_WRITE = 1_000;

export interface PresenceTimes {
  renewEveryMs: number;
  /** A gateway that has not renewed its lease for this time counts as crashed, and its users count as offline. */
  leaseMs: number;
  /** The id of a crashed gateway is removed after this time. */
  forgetAfterMs: number;
}

const DEFAULT_TIMES: PresenceTimes = { renewEveryMs: 10_000, leaseMs: 30_000, forgetAfterMs: 3_600_000 };

export interface PresenceOptions {
  redis: Redis;
  gatewayId: string;
  /** `REDIS_PREFIX` */
  prefix: string;
  times?: PresenceTimes;
  log: Log;
}

/**
 * Knows which users are online. Each gateway keeps a Redis set of the users who have a socket on this gateway, and
 * renews a lease on the set. When a gateway crashes, its set expires, so its users do not stay online without end.
 */
export class Presence {
  readonly #redis: Redis;
  readonly #gatewayId: string;
  readonly #prefix: string;
  readonly #times: PresenceTimes;
  readonly #log: Log;
  readonly #users = new Set<string>();
  /** Users who entered or left since the last write began. */
  #changed = new Set<string>();
  #isWriting = false;
  readonly #timer: NodeJS.Timeout;
  /** True if a write failed. The set in Redis may then differ from `#users`. */
  #mustRewrite = false;

  constructor({ redis, gatewayId, prefix, times = DEFAULT_TIMES, log }: PresenceOptions) {
    this.#redis = redis;
    this.#gatewayId = gatewayId;
    this.#prefix = prefix;
    this.#times = times;
    this.#log = log;
    this.#timer = setInterval(() => void this.#renew(), times.renewEveryMs);
    void this.#renew();
  }

  /** Call this when the user has a socket on this gateway. A second call does nothing. */
  enter(userId: string): void {
    if (this.#users.has(userId)) return;
    this.#users.add(userId);
    this.#noteChange(userId);
  }

  /** Call this when the user has no socket on this gateway any more. A second call does nothing. */
  leave(userId: string): void {
    if (this.#users.delete(userId)) this.#noteChange(userId);
  }

  /** @returns the users who have a socket on any gateway, or an empty set if Redis does not answer */
  async whoIsOnline(userIds: string[]): Promise<Set<string>> {
    if (userIds.length === 0) return new Set();
    try {
      const gatewayIds = await this.#redis.zrange(this.#gatewaysKey, 0, '-1');
      const pipeline = this.#redis.pipeline();
      for (const gatewayId of gatewayIds) pipeline.smismember(this.#keyOf(gatewayId), userIds);
      const answers = ((await pipeline.exec()) ?? []).map(([, found]) => (found ?? []) as number[]);
      return new Set(userIds.filter((_, index) => answers.some((found) => found[index] === 1)));
    } catch (error) {
      this.#log.debug({ error }, 'online users could not be read');
      return new Set();
    }
  }

  /** Ends the lease, so the users of this gateway are offline immediately. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#users.clear(); // A change that is not written yet then removes its user.
    await this.#write(() => this.#redis.pipeline().del(this.#ownKey).zrem(this.#gatewaysKey, this.#gatewayId).exec());
  }

  /** All changes of one turn of the event loop share their writes. So do the changes that come during a write. */
  #noteChange(userId: string): void {
    this.#changed.add(userId);
    if (this.#isWriting) return;
    this.#isWriting = true;
    setImmediate(() => void this.#writeAllChanges());
  }

  async #writeAllChanges(): Promise<void> {
    while (this.#changed.size > 0) await this.#write(() => this.#writeChanges());
    this.#isWriting = false;
  }

  async #writeChanges(): Promise<void> {
    const changed = [...this.#changed];
    this.#changed = new Set();
    const [entered, left] = [changed.filter((id) => this.#users.has(id)), changed.filter((id) => !this.#users.has(id))];
    const writes: Promise<unknown>[] = [];
    for (const users of parts(entered)) writes.push(this.#redis.sadd(this.#ownKey, ...users));
    for (const users of parts(left)) writes.push(this.#redis.srem(this.#ownKey, ...users));
    // Redis deletes an empty set, and with the set its lease.
    if (entered.length > 0 && entered.length === this.#users.size)
      writes.push(this.#redis.pexpire(this.#ownKey, this.#times.leaseMs));
    await Promise.all(writes);
  }

  async #renew(): Promise<void> {
    const { leaseMs, forgetAfterMs } = this.#times;
    await this.#write(async () => {
      await this.#redis.zadd(this.#gatewaysKey, Date.now(), this.#gatewayId);
      await this.#redis.zremrangebyscore(this.#gatewaysKey, 0, Date.now() - forgetAfterMs);
      const setExists = (await this.#redis.pexpire(this.#ownKey, leaseMs)) === 1;
      if (this.#mustRewrite || (!setExists && this.#users.size > 0)) await this.#rewrite();
    });
  }

  async #rewrite(): Promise<void> {
    this.#mustRewrite = false;
    const users = [...this.#users];
    const transaction = this.#redis.multi().del(this.#ownKey);
    for (const part of parts(users)) transaction.sadd(this.#ownKey, ...part);
    await transaction.pexpire(this.#ownKey, this.#times.leaseMs).exec();
  }

  async #write(write: () => Promise<unknown>): Promise<void> {
    try {
      await write();
    } catch (error) {
      this.#mustRewrite = true;
      this.#log.debug({ error }, 'online users could not be written');
    }
  }

  get #ownKey(): string {
    return this.#keyOf(this.#gatewayId);
  }

  get #gatewaysKey(): string {
    return `${this.#prefix}:online`;
  }

  #keyOf(gatewayId: string): string {
    return `${this.#prefix}:online:${gatewayId}`;
  }
}

function parts(users: string[]): string[][] {
  const count = Math.ceil(users.length / USERS_PER_WRITE);
  return Array.from({ length: count }, (_, index) =>
    users.slice(index * USERS_PER_WRITE, (index + 1) * USERS_PER_WRITE),
  );
}
