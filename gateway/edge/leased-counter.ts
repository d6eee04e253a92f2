import type { Refusal } from '../../shared/contract/errors.ts';
import { type CountRequest, type Grant, rateLimited, type WindowCounter, type WindowLimit } from './window-counter.ts';

/** A lease has at most this part of the maximum of its limit. */
const MAX_LEASE_PART = 0.1;
const MAX_LEASES = 100_000;

/** How much of a limit is left. `RateLimit-*` headers tell it to the client. */
export interface RateState {
  max: number;
  /** The number of further actions that are allowed in this window, as far as this gateway knows. */
  remaining: number;
  /** Milliseconds until the window ends. */
  resetMs: number;
}

interface WaitingCaller {
  resolve: (state: RateState) => void;
  reject: (refusal: Refusal) => void;
}

/** Counts of one limit that Redis has granted to this gateway, and that the gateway uses without Redis. */
interface Lease {
  unused: number;
  /** How many counts this gateway has used in this window. */
  used: number;
  /** How many counts this gateway has allowed without Redis. The next request to Redis counts them. */
  owed: number;
  /** What Redis can still grant. At 0 the gateway refuses without Redis until the window ends. */
  leftInRedis: number;
  /** When the window ends, by `performance.now()`. It is never later than the end in Redis. */
  endsAt: number;
  /** Callers for which Redis must be asked, in their order. */
  waiting: WaitingCaller[];
}

export interface LeasedCounterOptions {
  maxLeases?: number;
  /**
   * A gateway allows this part of the maximum of each window before it asks Redis. So a slow user costs no round trip.
   * Such counts are unknown to the other gateways until this gateway asks. So N gateways together can allow up to N times
   * this part more than the maximum.
   */
  freePart?: number;
}

/**
 * Keeps the counts of a {@link WindowCounter}, but asks Redis seldom: it takes leases of several counts. All gateways
 * together never allow more than the maximum in a window (without a `freePart`). They can refuse before the maximum is
 * reached, because a lease of another gateway may stay unused. A lease is at most a tenth of the maximum, and at most
 * what its gateway has already used in this window.
 */
export class LeasedCounter {
  readonly #counter: WindowCounter;
  readonly #maxLeases: number;
  readonly #freePart: number;
  readonly #leases = new Map<string, Lease>();
  /** The limits for which the next round trip asks. */
  #toAsk = new Map<Lease, WindowLimit>();

  constructor(counter: WindowCounter, { maxLeases = MAX_LEASES, freePart = 0 }: LeasedCounterOptions = {}) {
    this.#counter = counter;
    this.#maxLeases = maxLeases;
    this.#freePart = freePart;
  }

  /** The number of leases in memory. */
  get size(): number {
    return this.#leases.size;
  }

  /**
   * Counts an action if this is possible without Redis.
   * @returns undefined if it is not possible, or if earlier actions wait for Redis. Then call {@link take}.
   * @throws Refusal `rate_limited`
   */
  takeNow(limit: WindowLimit): RateState | undefined {
    const lease = this.#leases.get(limit.name) ?? this.#addLease(limit.name);
    if (lease.waiting.length > 0) return undefined;
    const now = performance.now();
    if (now >= lease.endsAt) beginWindow(lease, limit, this.#freePart, now);
    if (lease.unused > 0) return takeFrom(lease, limit);
    if (lease.leftInRedis === 0) throw rateLimited(lease.endsAt - now);
    return undefined;
  }

  /**
   * Counts an action. Actions with the same limit are counted in the order of the calls.
   * @throws Refusal `rate_limited` or `unavailable`
   */
  async take(limit: WindowLimit): Promise<RateState> {
    const state = this.takeNow(limit);
    if (state) return state;
    const lease = this.#leases.get(limit.name) as Lease;
    return new Promise((resolve, reject) => {
      lease.waiting.push({ resolve, reject });
      if (lease.waiting.length === 1) this.#ask(lease, limit);
    });
  }

  /** Asks Redis at the end of this turn of the event loop, so the callers of one turn share a round trip. */
  #ask(lease: Lease, limit: WindowLimit): void {
    if (this.#toAsk.size === 0) setImmediate(() => void this.#askNow());
    this.#toAsk.set(lease, limit);
  }

  async #askNow(): Promise<void> {
    const asked = [...this.#toAsk];
    this.#toAsk = new Map();
    const askedAt = performance.now();
    try {
      const grants = await this.#counter.grant(asked.map(([lease, limit]) => ({ limit, ...requestOf(lease, limit) })));
      for (const [index, [lease, limit]] of asked.entries())
        this.#accept(lease, limit, grants[index] as Grant, askedAt);
    } catch (error) {
      for (const [{ waiting }] of asked) for (const { reject } of waiting.splice(0)) reject(error as Refusal);
    }
  }

  #accept(lease: Lease, limit: WindowLimit, { granted, left, resetMs }: Grant, askedAt: number): void {
    lease.unused = Math.max(granted - lease.owed, 0);
    lease.owed = Math.max(lease.owed - granted, 0);
    lease.leftInRedis = left;
    lease.endsAt = askedAt + resetMs;
    for (const { resolve } of lease.waiting.splice(0, lease.unused)) resolve(takeFrom(lease, limit));
    if (lease.waiting.length === 0) return;
    if (left > 0) this.#ask(lease, limit);
    else for (const { reject } of lease.waiting.splice(0)) reject(rateLimited(resetMs));
  }

  #addLease(name: string): Lease {
    this.#removeOldLeases();
    const lease: Lease = { unused: 0, used: 0, owed: 0, leftInRedis: 0, endsAt: 0, waiting: [] };
    this.#leases.set(name, lease);
    return lease;
  }

  /** Looks at the two oldest leases for each new lease. So the ended leases are removed without a timer. */
  #removeOldLeases(): void {
    const oldest = this.#leases.entries();
    for (const [name, lease] of [oldest.next(), oldest.next()].flatMap(({ value }) => (value ? [value] : []))) {
      this.#leases.delete(name);
      const isFull = this.#leases.size >= this.#maxLeases - 1;
      const isNeeded = lease.waiting.length > 0 || (performance.now() < lease.endsAt && !isFull);
      if (isNeeded) this.#leases.set(name, lease);
    }
  }
}

function takeFrom(lease: Lease, { max }: WindowLimit): RateState {
  lease.unused--;
  lease.used++;
  return { max, remaining: lease.unused + lease.leftInRedis, resetMs: Math.max(lease.endsAt - performance.now(), 0) };
}

/** Begins a window that Redis does not know yet. */
function beginWindow(lease: Lease, { max, windowMs }: WindowLimit, freePart: number, now: number): void {
  lease.unused = Math.floor(max * freePart);
  lease.owed = lease.unused;
  lease.used = 0;
  lease.leftInRedis = max - lease.unused;
  lease.endsAt = now + windowMs;
}

function requestOf({ waiting, used, owed }: Lease, { max }: WindowLimit): Omit<CountRequest, 'limit'> {
  return { needed: waiting.length + owed, spare: Math.min(Math.floor(max * MAX_LEASE_PART), used) };
}
