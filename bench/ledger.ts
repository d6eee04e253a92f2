import { setTimeout as wait } from 'node:timers/promises';
import { Latency } from './latency.ts';
import { Refs } from './refs.ts';

const POLL_AFTER_MS = 10;
const MAX_SILENCE_MS = 5_000;
const MAX_KEPT_ERRORS = 1_000;

/** A room of the fixture, and what the sockets received in it. */
export interface LedgerRoom {
  id: string;
  /** The last seq of the room before the load begins. */
  initialSeq: number;
  /** The index of each message after that, in the order of the seqs. The first socket that receives a seq adds it. */
  order: number[];
}

/** Where a socket is in its room. */
export interface Reader {
  readonly number: number;
  readonly room: LedgerRoom;
  nextSeq: number;
}

/**
 * Records every message of a run: when it had to be sent, with which seq it was acked, and that every socket receives it
 * once and in order. Each message has an index. All times are in milliseconds of `performance.now()`.
 */
export class Ledger {
  readonly refs = new Refs();
  readonly acks = new Latency();
  readonly deliveries = new Latency();
  /** How late the client was: from the time at which a message had to be sent to the time at which it was sent. */
  readonly lateness = new Latency();
  readonly errors: string[] = [];
  /** How many commands were refused, for each error code. */
  readonly refusals = new Map<string, number>();
  sent = 0;
  acked = 0;
  refused = 0;
  delivered = 0;
  readonly #intendedAt: Float64Array;
  readonly #sentAt: Float64Array;
  readonly #senders: Int32Array;
  /** The seq of the ack. 0: no outcome yet. -1: refused. */
  readonly #seqs: Int32Array;
  /** Messages that had to be sent before this time are not in the latencies. */
  #measureFrom = 0;

  /** @param capacity the largest number of messages */
  constructor(capacity: number) {
    this.#intendedAt = new Float64Array(capacity);
    this.#sentAt = new Float64Array(capacity);
    this.#senders = new Int32Array(capacity);
    this.#seqs = new Int32Array(capacity);
  }

  get isFull(): boolean {
    return this.sent === this.#seqs.length;
  }

  /** How many messages have no outcome yet. */
  get inFlight(): number {
    return this.sent - this.acked - this.refused;
  }

  /** Forgets the latencies. From now on, only messages that have to be sent from now on are measured. */
  measureFromNow(): void {
    this.#measureFrom = performance.now();
    for (const latency of [this.acks, this.deliveries, this.lateness]) latency.reset();
  }

  /** Records that a message is sent now. @returns its index */
  recordSending(sender: number, intendedAt: number): number {
    const now = performance.now();
    const index = this.sent++;
    this.#intendedAt[index] = intendedAt;
    this.#sentAt[index] = now;
    this.#senders[index] = sender;
    if (intendedAt >= this.#measureFrom) this.lateness.record(now - intendedAt);
    return index;
  }

  recordAck(index: number, seq: number): void {
    if (this.#seqs[index] !== 0) {
      if (this.#seqs[index] !== seq) this.#addError(`message ${index}: acked at ${this.#seqs[index]} and at ${seq}`);
      return;
    }
    this.#seqs[index] = seq;
    this.acked++;
    this.#recordLatency(this.acks, index);
  }

  /** @param index -1 if the refusal has no ref of this run */
  recordRefusal(index: number, code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    if (index < 0 || this.#seqs[index] !== 0) return;
    this.#seqs[index] = -1;
    this.refused++;
  }

  /** Checks the order of what the socket receives, and that other sockets received the same message with this seq. */
  recordDelivery(reader: Reader, index: number, seq: number): void {
    const { room, number, nextSeq } = reader;
    this.delivered++;
    if (seq !== nextSeq) this.#addError(`socket ${number}: received seq ${seq} where ${nextSeq} is expected`);
    reader.nextSeq = seq + 1;
    const place = seq - room.initialSeq - 1;
    if (place === room.order.length) room.order.push(index);
    if (room.order[place] !== index) this.#addError(`socket ${number}: received another message with seq ${seq}`);
    this.#recordLatency(this.deliveries, index);
  }

  recordClose(socket: number, reason: string): void {
    this.#addError(`socket ${socket} was closed: ${reason}`);
  }

  /** @returns the seq of the ack, or undefined if the message was not acked */
  ackOf(index: number): number | undefined {
    const seq = this.#seqs[index];
    return seq && seq > 0 ? seq : undefined;
  }

  /** Finds the messages that were sent before this time and have no outcome. Sets the time at which they are sent to now. */
  takeSilent(sentBefore: number): { index: number; sender: number }[] {
    const silent: { index: number; sender: number }[] = [];
    if (this.inFlight === 0) return silent;
    for (let index = 0; index < this.sent; index++) {
      if (this.#seqs[index] !== 0 || (this.#sentAt[index] as number) > sentBefore) continue;
      this.#sentAt[index] = performance.now();
      silent.push({ index, sender: this.#senders[index] as number });
    }
    return silent;
  }

  /** Resolves when `delivered` is the expected number, or after five seconds without a delivery. */
  async waitForDeliveries(expected: number): Promise<void> {
    let [lastCount, lastChange] = [this.delivered, performance.now()];
    while (this.delivered < expected && performance.now() - lastChange < MAX_SILENCE_MS) {
      await wait(POLL_AFTER_MS);
      if (this.delivered !== lastCount) [lastCount, lastChange] = [this.delivered, performance.now()];
    }
  }

  #recordLatency(latency: Latency, index: number): void {
    const intendedAt = this.#intendedAt[index] as number;
    if (intendedAt >= this.#measureFrom) latency.record(performance.now() - intendedAt);
  }

  #addError(error: string): void {
    if (this.errors.length < MAX_KEPT_ERRORS) this.errors.push(error);
  }
}
