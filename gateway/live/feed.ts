import { decodeBroadcast } from '../../shared/contract/channels.ts';
import { encodeMessage, type MembershipChange, membershipChange } from '../../shared/contract/messages.ts';
import type { Log } from '../../shared/log.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Reads } from '../reads/reads.ts';
import { type FeedListener, MessageOrder } from './message-order.ts';
import type { Subscriber } from './subscriber.ts';

/** Messages in one read from Postgres. */
const PAGE_SIZE = 500;
/** Workers may publish in another order than they commit. A gap that lasts longer than this is read from Postgres. */
const GAP_GRACE_MS = 20;
/** After a read that failed. */
const RETRY_AFTER_MS = 250;

export interface FeedOptions {
  subscriber: Subscriber;
  reads: Pick<Reads, 'messagesAfter'>;
  listener: FeedListener;
  payloads: PayloadReader;
  log: Log;
}

/** Follows one room: delivers what its channel brings, and reads gaps from Postgres. Closes with its last release. */
export class Feed {
  /** Resolves when no publication after that moment can be missed. */
  readonly subscribed: Promise<void>;
  readonly #roomId: string;
  readonly #channel: string;
  readonly #options: FeedOptions;
  readonly #onClose: () => void;
  readonly #order: MessageOrder;
  #referenceCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #readFailed = false;
  #closed = false;

  constructor(roomId: string, channel: string, options: FeedOptions, onClose: () => void) {
    this.#roomId = roomId;
    this.#channel = channel;
    this.#options = options;
    this.#onClose = onClose;
    this.#order = new MessageOrder(roomId, options.listener);
    this.subscribed = options.subscriber.subscribe(channel, this.#receive);
  }

  /** Delivery starts with the message after this seq. Undefined until the feed starts. */
  get startSeq(): number | undefined {
    return this.#order.startSeq;
  }

  /** The seq of the last delivered message. */
  get deliveredSeq(): number {
    return this.#order.deliveredSeq;
  }

  retain(): void {
    this.#referenceCount++;
  }

  release(): void {
    if (--this.#referenceCount === 0) this.close();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#options.subscriber.unsubscribe(this.#channel, this.#receive);
    this.#onClose();
  }

  /** Delivers the messages after `head`. Does nothing if the feed has started. */
  start(head: number): void {
    if (this.startSeq !== undefined) return;
    this.#order.start(head);
    this.retain();
    this.#deliverPending();
    this.release();
  }

  /** Reads and delivers the messages that were missed, if any. Never rejects: it tries again after an error. */
  async catchUp(): Promise<void> {
    if (this.#isReading || this.startSeq === undefined || this.#closed) return;
    this.#isReading = true;
    this.#readFailed = false;
    this.retain();
    try {
      while (await this.#readPage());
    } catch (error) {
      const { deliveredSeq } = this;
      this.#options.log.warn({ error, roomId: this.#roomId, deliveredSeq }, 'missed messages could not be read');
      this.#readFailed = true;
      this.#setTimer(RETRY_AFTER_MS);
    }
    this.#isReading = false;
    this.#deliverPending();
    this.release();
  }

  /**
   * Retains the feed while it delivers. One broadcast can remove the last member and add them again. This feed must
   * then go on, because a new feed would start with a gap.
   */
  readonly #receive = (payload: string): void => {
    const broadcast = this.#options.payloads.read('broadcast', payload, decodeBroadcast);
    if (!broadcast) return;
    const { head, changes, records } = broadcast;
    const order = this.#order;
    this.retain();
    order.announcedSeq = Math.max(order.announcedSeq, head);
    let seq = head - records.length;
    for (const record of records) {
      seq++;
      order.accept(seq, record, changeAt(changes, seq));
    }
    this.#deliverPending();
    this.release();
  };

  #deliverPending(): void {
    if (this.startSeq === undefined) return;
    this.#order.deliverPending();
    if (this.#order.hasGap) this.#setTimer(GAP_GRACE_MS);
  }

  #setTimer(delayMs: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#order.hasGap || this.#readFailed) void this.catchUp();
    }, delayMs);
  }

  /** @returns true if there may be more */
  async #readPage(): Promise<boolean> {
    const messages = await this.#options.reads.messagesAfter(this.#roomId, this.deliveredSeq, PAGE_SIZE);
    for (const message of messages) {
      // During the read, the channel may have delivered some of them.
      if (message.seq !== this.deliveredSeq + 1) continue;
      this.#order.accept(message.seq, encodeMessage(message), membershipChange(message));
    }
    return messages.length === PAGE_SIZE;
  }
}

function changeAt(changes: MembershipChange[], seq: number): MembershipChange | undefined {
  return changes.length === 0 ? undefined : changes.find((change) => change.seq === seq);
}
