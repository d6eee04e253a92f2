import { createHash } from 'node:crypto';
import type { Batch, Rejected } from '../../shared/contract/jobs.ts';
import { PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';

const MAX_BATCH = 500;
const MAX_WAITING = 10_000;
/** Milliseconds without a reply until a batch is sent again, and until a send that failed is tried again. */
const RESEND_AFTER = 1_500;
const RETRY_AFTER = 250;
/** Milliseconds from a batch's first sending until its outcomes are given up as unknown. */
const GIVE_UP_AFTER = 15_000;

interface Entry<C, O> {
  command: C;
  /** By this process's clock, milliseconds. */
  expires: number;
  settle: (outcome: O | Rejected) => void;
}

interface Flight<C, O> {
  number: number;
  entries: Entry<C, O>[];
  giveUpAt: number;
  timer?: NodeJS.Timeout;
}

interface Lane<C, O> {
  index: number;
  /** Batches so far. */
  count: number;
  waiting: Entry<C, O>[];
  flight?: Flight<C, O>;
}

export interface LanesOptions<C> {
  gateway: string;
  /** How many batches may be in flight at once. */
  count: number;
  /** Puts a batch into the queue. What it throws means that nobody knows whether it got there. */
  send: (batch: Batch<C>) => Promise<void>;
  log: Log;
}

/**
 * Ordered outboxes. Each has one batch in flight at most; what arrives meanwhile travels together in the next.
 * So the busier the system, the larger the batches, and what one connection sends to one room stays in order.
 */
export class Lanes<C, O> {
  readonly #options: LanesOptions<C>;
  readonly #lanes: Lane<C, O>[];
  #open = 0;

  constructor(options: LanesOptions<C>) {
    this.#options = options;
    this.#lanes = Array.from({ length: options.count }, (_, index) => ({ index, count: 0, waiting: [] }));
  }

  /** Commands whose outcome is not known yet. */
  get open(): number {
    return this.#open;
  }

  /**
   * @param key commands of the same key keep their order
   * @param expires milliseconds since 1970 by this process's clock; one that has to wait longer is refused as `expired`
   * @returns the outcome; never rejects
   */
  push(key: string, command: C, expires: number): Promise<O | Rejected> {
    const lane = this.#laneOf(key);
    if (lane.waiting.length >= MAX_WAITING) return Promise.resolve({ code: 'busy' });
    this.#open++;
    return new Promise((resolve) => {
      lane.waiting.push({ command, expires, settle: resolve });
      if (!lane.flight) this.#takeOff(lane);
    });
  }

  /** Takes a worker's reply; one that was not waited for (any more) changes nothing. */
  settle(index: number, number: number, outcomes: O[]): void {
    const lane = this.#lanes[index];
    if (!lane?.flight || lane.flight.number !== number) return;
    this.#land(lane, lane.flight, (place) => outcomes[place] ?? { code: 'internal' });
  }

  #laneOf(key: string): Lane<C, O> {
    const hash = createHash('md5').update(key).digest().readUInt32LE();
    return this.#lanes[hash % this.#lanes.length] as Lane<C, O>;
  }

  #takeOff(lane: Lane<C, O>): void {
    const now = Date.now();
    const entries: Entry<C, O>[] = [];
    for (const entry of lane.waiting.splice(0, MAX_BATCH)) {
      if (entry.expires > now) entries.push(entry);
      else this.#finish(entry, { code: 'expired' });
    }
    if (entries.length === 0) {
      if (lane.waiting.length > 0) this.#takeOff(lane);
      return;
    }
    lane.flight = { number: lane.count++, entries, giveUpAt: now + GIVE_UP_AFTER };
    void this.#send(lane, lane.flight);
  }

  async #send(lane: Lane<C, O>, flight: Flight<C, O>): Promise<void> {
    flight.timer = setTimeout(() => this.#overdue(lane, flight), RESEND_AFTER);
    const { gateway, send, log } = this.#options;
    try {
      const commands = flight.entries.map(({ command }) => command);
      await send({ v: PAYLOAD_VERSION, gateway, lane: lane.index, number: flight.number, commands });
    } catch (error) {
      log.warn({ error, lane: lane.index, number: flight.number }, 'a batch could not be sent');
      if (lane.flight !== flight) return;
      clearTimeout(flight.timer);
      flight.timer = setTimeout(() => this.#overdue(lane, flight), RETRY_AFTER);
    }
  }

  #overdue(lane: Lane<C, O>, flight: Flight<C, O>): void {
    if (lane.flight !== flight) return;
    if (Date.now() < flight.giveUpAt) void this.#send(lane, flight);
    else {
      const { log } = this.#options;
      log.warn({ lane: lane.index, commands: flight.entries.length }, 'no worker has answered, outcomes are unknown');
      this.#land(lane, flight, () => ({ code: 'unknown_outcome' }));
    }
  }

  #land(lane: Lane<C, O>, flight: Flight<C, O>, outcomeOf: (index: number) => O | Rejected): void {
    clearTimeout(flight.timer);
    lane.flight = undefined;
    flight.entries.forEach((entry, index) => {
      this.#finish(entry, outcomeOf(index));
    });
    if (lane.waiting.length > 0 && !lane.flight) this.#takeOff(lane);
  }

  #finish(entry: Entry<C, O>, outcome: O | Rejected): void {
    this.#open--;
    entry.settle(outcome);
  }
}
