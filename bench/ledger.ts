import { LoadRecord } from './load-record.ts';
import { Refs } from './refs.ts';

const MAX_KEPT_ERRORS = 1_000;
/** After these answers, a client sends the message again with the same ref. */
const NOT_DONE = new Set(['busy', 'expired', 'unavailable']);
const UNKNOWN = 'unknown_outcome';

/** A room of the fixture, and what the sockets received in it. */
export interface LedgerRoom {
  id: string;
  /** The last seq of the room before the load begins. */
  initialSeq: number;
  /** The index of each message after that, in the order of the seqs. The first socket that receives a seq adds it. */
  order: number[];
}

/** Where a socket is in one of its rooms. */
export interface Reader {
  /** The number of the socket. */
  readonly number: number;
  readonly room: LedgerRoom;
  nextSeq: number;
}

/** A message that has no outcome yet. */
export interface SilentMessage {
  index: number;
  sender: number;
}

/**
 * Records every message of a run: when it had to be sent, with which seq it was acked, and that every socket receives it
 * once and in order. Each message has an index.
 */
export class Ledger extends LoadRecord {
  readonly refs = new Refs();
  readonly errors: string[] = [];
  /** How many answers were refusals, for each error code. */
  readonly refusals = new Map<string, number>();
  refused = 0;
  readonly #sentAt: Float64Array;
  readonly #senders: Int32Array;
  /** The room of each message. */
  readonly #rooms: LedgerRoom[] = [];
  /** How many times each message was sent and was not answered with a refusal. */
  readonly #copies: Uint16Array;
  /** The seq of the ack. 0: no outcome yet. -1: refused. */
  readonly #seqs: Int32Array;

  /** @param capacity the largest number of messages */
  constructor(capacity: number) {
    super(capacity);
    this.#sentAt = new Float64Array(capacity);
    this.#senders = new Int32Array(capacity);
    this.#copies = new Uint16Array(capacity);
    this.#seqs = new Int32Array(capacity);
  }

  get isFull(): boolean {
    return this.sent === this.#seqs.length;
  }

  /** Records that a message is sent now. @returns its index */
  recordSending(sender: number, room: LedgerRoom, intendedAt: number): number {
    const index = this.sent;
    this.#sentAt[index] = performance.now();
    this.#senders[index] = sender;
    this.#copies[index] = 1;
    this.#rooms.push(room);
    this.countSending(index, intendedAt);
    return index;
  }

  /** @returns the room in which the message was sent */
  roomOf(index: number): LedgerRoom {
    return this.#rooms[index] as LedgerRoom;
  }

  /** @returns false if the message had an outcome before */
  recordAck(index: number, seq: number): boolean {
    const before = this.#seqs[index] as number;
    if (before !== 0) {
      const outcome = before < 0 ? 'refused' : `acked at ${before}`;
      if (before !== seq) this.addError(`message ${index}: ${outcome}, and then acked at ${seq}`);
      return false;
    }
    this.#seqs[index] = seq;
    this.countAck(index);
    return true;
  }

  /**
   * Counts a refusal. A message that the client sends again still has no outcome.
   * @param index -1 if the refusal has no ref of this run
   * @returns true if this is the outcome of the message
   */
  recordRefusal(index: number, code: string): boolean {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    if (index < 0 || this.#seqs[index] !== 0 || code === UNKNOWN) return false;
    (this.#copies[index] as number)--;
    if (NOT_DONE.has(code)) return false;
    this.#seqs[index] = -1;
    this.refused++;
    return true;
  }

  /** Checks the order of what the socket receives, and that other sockets received the same message with this seq. */
  recordDelivery(reader: Reader, index: number, seq: number): void {
    const { room, number, nextSeq } = reader;
    if (seq !== nextSeq) this.addError(`socket ${number}: received seq ${seq} where ${nextSeq} is expected`);
    reader.nextSeq = seq + 1;
    const place = seq - room.initialSeq - 1;
    if (place === room.order.length) {
      room.order.push(index);
      if (this.#copies[index] === 0) this.addError(`message ${index}: refused, and then stored with seq ${seq}`);
    }
    if (room.order[place] !== index) this.addError(`socket ${number}: received another message with seq ${seq}`);
    this.countDelivery(index);
  }

  recordClose(socket: number, reason: string): void {
    this.addError(`socket ${socket} was closed: ${reason}`);
  }

  addError(error: string): void {
    if (this.errors.length < MAX_KEPT_ERRORS) this.errors.push(error);
  }

  /** @returns the seq of the ack, or undefined if the message was not acked */
  ackOf(index: number): number | undefined {
    const seq = this.#seqs[index];
    return seq && seq > 0 ? seq : undefined;
  }

  /** Finds the messages that were sent before this time and have no outcome. Sets the time at which they are sent to now. */
  takeSilent(sentBefore: number): SilentMessage[] {
    const silent: SilentMessage[] = [];
    if (this.inFlight === 0) return silent;
    for (let index = 0; index < this.sent; index++) {
      if (this.#seqs[index] !== 0 || (this.#sentAt[index] as number) > sentBefore) continue;
      this.#sentAt[index] = performance.now();
      (this.#copies[index] as number)++;
      silent.push({ index, sender: this.#senders[index] as number });
    }
    return silent;
  }
}
