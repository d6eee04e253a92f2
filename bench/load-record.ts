import { setTimeout as wait } from 'node:timers/promises';
import { Latency } from './latency.ts';

const POLL_AFTER_MS = 10;
/** Polls are counted instead of time: if this process was stopped, it has not yet read what came meanwhile. */
const MAX_SILENT_POLLS = 500;

/** The counts and latencies of all messages of a run. All times are in milliseconds of `performance.now()`. */
export abstract class LoadRecord {
  readonly acks = new Latency();
  readonly deliveries = new Latency();
  /** How late the client was: from the time at which a message had to be sent to the time at which it was sent. */
  readonly lateness = new Latency();
  sent = 0;
  acked = 0;
  delivered = 0;
  readonly #intendedAt: Float64Array;
  /** Messages that had to be sent before this time are not in the latencies. */
  #measureFrom = 0;

  /** @param capacity the largest number of messages */
  constructor(capacity: number) {
    this.#intendedAt = new Float64Array(capacity);
  }

  /** How many messages were refused for good. */
  abstract get refused(): number;

  /** How many messages have no outcome yet. */
  get inFlight(): number {
    return this.sent - this.acked - this.refused;
  }

  /** Forgets the latencies. From now on, only messages that have to be sent from now on are measured. */
  measureFromNow(): void {
    this.#measureFrom = performance.now();
    for (const latency of [this.acks, this.deliveries, this.lateness]) latency.reset();
  }

  /** Resolves when `delivered` is the expected number, or after five seconds without a delivery. */
  async waitForDeliveries(expected: number): Promise<void> {
    let lastCount = this.delivered;
    for (let silent = 0; this.delivered < expected && silent < MAX_SILENT_POLLS; silent++) {
      await wait(POLL_AFTER_MS);
      if (this.delivered !== lastCount) silent = 0;
      lastCount = this.delivered;
    }
  }

  protected countSending(index: number, intendedAt: number): void {
    this.sent++;
    this.#intendedAt[index] = intendedAt;
    this.#record(this.lateness, index);
  }

  protected countAck(index: number): void {
    this.acked++;
    this.#record(this.acks, index);
  }

  protected countDelivery(index: number): void {
    this.delivered++;
    this.#record(this.deliveries, index);
  }

  #record(latency: Latency, index: number): void {
    const intendedAt = this.#intendedAt[index] as number;
    if (intendedAt >= this.#measureFrom) latency.record(performance.now() - intendedAt);
  }
}
