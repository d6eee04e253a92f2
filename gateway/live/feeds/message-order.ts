import type { MembershipChange } from '../../../shared/contract/messages.ts';

/** Messages of one room that wait for an earlier message. Further messages are dropped here, and read later. */
const MAX_PENDING_MESSAGES = 10_000;

/** Receives the messages of all feeds. */
export interface FeedListener {
  /** Called once for each message of a room, in the order of seq. @param record the encoded message */
  deliver(roomId: string, record: string, change: MembershipChange | undefined): void;
}

/** A message that waits, because an earlier message is missing. */
interface PendingMessage {
  record: string;
  change: MembershipChange | undefined;
}

/** Puts the messages of one room in order, and delivers each message once. */
export class MessageOrder {
  /** Only messages after this seq are delivered. Undefined until {@link start}. */
  startSeq: number | undefined;
  /** The seq of the last delivered message. */
  deliveredSeq = 0;
  /** The highest seq that a broadcast has announced. */
  announcedSeq = 0;
  /** Undefined while no message is pending: a gateway has very many rooms. */
  #pending: Map<number, PendingMessage> | undefined;
  readonly #roomId: string;
  readonly #listener: FeedListener;

  constructor(roomId: string, listener: FeedListener) {
    this.#roomId = roomId;
    this.#listener = listener;
  }

  /** True if an announced message is not delivered yet. */
  get hasGap(): boolean {
    return this.announcedSeq > this.deliveredSeq;
  }

  start(head: number): void {
    this.startSeq = head;
    this.deliveredSeq = head;
  }

  /** Delivers the next message, keeps a later message until its turn, and drops a message that was delivered before. */
  accept(seq: number, record: string, change: MembershipChange | undefined): void {
    if (this.startSeq === undefined || seq > this.deliveredSeq + 1) this.#keep(seq, { record, change });
    else if (seq === this.deliveredSeq + 1) this.#deliver(record, change);
  }

  /** Delivers the pending messages up to the next gap. */
  deliverPending(): void {
    while (this.#pending) {
      const next = this.#pending.get(this.deliveredSeq + 1);
      if (!next) break;
      this.#pending.delete(this.deliveredSeq + 1);
      this.#deliver(next.record, next.change);
    }
    if (!this.hasGap) this.#pending = undefined;
  }

  /** Forgets the messages that wait. If they exist, a later read gets them. */
  dropPending(): void {
    this.#pending = undefined;
  }

  /** Forgets that later messages were announced. */
  forgetGap(): void {
    this.announcedSeq = this.deliveredSeq;
    this.dropPending();
  }

  #keep(seq: number, message: PendingMessage): void {
    this.#pending ??= new Map();
    if (this.#pending.size < MAX_PENDING_MESSAGES) this.#pending.set(seq, message);
  }

  #deliver(record: string, change: MembershipChange | undefined): void {
    this.deliveredSeq++;
    this.#listener.deliver(this.#roomId, record, change);
  }
}
