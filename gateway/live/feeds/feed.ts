import type { Broadcast } from '../../../shared/contract/channels.ts';
import { encodeMessage, type MembershipChange, membershipChange } from '../../../shared/contract/messages.ts';
import type { Log } from '../../../shared/log.ts';
import type { Reads } from '../../reads/reads.ts';
import { type FeedListener, MessageOrder } from './message-order.ts';
import type { RecentMemory } from './recent-memory.ts';
import { RecentRecords } from './recent-records.ts';

/** The number of messages in one read from Postgres. */
const PAGE_SIZE = 500;
/**
 * Workers can publish in another order than they commit. If a message is still missing after this time, the feed
 * reads it from Postgres.
 */
const GAP_WAIT_MS = 20;
/** While the reads of a gap find nothing, the wait before the next one doubles up to this time. */
const MAX_GAP_WAIT_MS = 1_000;
/** After this number of reads, which take about five seconds, the missing messages do not exist. */
const MAX_EMPTY_READS = 10;
/** A read that failed is tried again after this time. */
const RETRY_AFTER_MS = 250;

export interface FeedOptions {
  reads: Pick<Reads, 'messagesAfter'>;
  listener: FeedListener;
  recent: RecentMemory;
  /** Called when nobody retains the feed any more. The receiver calls {@link Feed.close}, now or later. */
  onIdle: (feed: Feed) => void;
  /** Called if Postgres does not have messages that were announced. */
  onMissing: () => void;
  /** Called once, when the feed closes. @param head the highest seq that this feed knows */
  onClose: (roomId: string, head: number) => void;
  log: Log;
}

/**
 * Delivers the messages of one room, in order. Gets them from the Redis channel of the room (room-channels.ts), and
 * reads missing messages from Postgres. The head of a room is the seq of its last message. A feed is idle when each
 * `retain` has had its `release`.
 */
export class Feed implements FeedListener {
  /** Resolves when the channel is subscribed. From then on, the feed gets every publication. */
  readonly subscribed: Promise<void>;
  readonly roomId: string;
  /** By `performance.now()`. */
  readonly createdAt = performance.now();
  readonly #options: FeedOptions;
  readonly #order: MessageOrder;
  /** Undefined until the first message: a gateway has very many rooms. */
  #recent: RecentRecords | undefined;
  #referenceCount = 0;
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;
  #readFailed = false;
  /** The reads in a row that found nothing of a gap. */
  #emptyReads = 0;
  #closed = false;

  constructor(roomId: string, subscribed: Promise<void>, options: FeedOptions) {
    this.roomId = roomId;
    this.subscribed = subscribed;
    this.#options = options;
    this.#order = new MessageOrder(roomId, this);
  }

  /** The feed delivers only messages after this seq. Undefined until the feed starts. */
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
    if (--this.#referenceCount === 0 && !this.#closed) this.#options.onIdle(this);
  }

  /** True if the feed keeps records for clients that come back. */
  get hasRecent(): boolean {
    return this.#recent !== undefined;
  }

  /**
   * Returns the delivered records after a seq, in their current state. Undefined if some of them are not kept any more:
   * Postgres has them.
   */
  recordsAfter(seq: number): string[] | undefined {
    if (seq === this.deliveredSeq) return [];
    return this.#recent?.after(seq);
  }

  /** Called by {@link MessageOrder} for each message, in order. */
  deliver(roomId: string, record: string, change: MembershipChange | undefined): void {
    if (!this.#closed) {
      this.#recent ??= new RecentRecords();
      this.#options.recent.add(this.#recent, this.deliveredSeq, record);
    }
    this.#options.listener.deliver(roomId, record, change);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#recent) this.#options.recent.remove(this.#recent);
    this.#options.onClose(this.roomId, Math.max(this.#order.announcedSeq, this.deliveredSeq));
  }

  /**
   * Starts to deliver, with the first message after `head`. Does nothing if the feed has already started.
   * @param announced the last seq that was announced before this feed existed. If it is after `head`, the feed reads the
   *   messages up to it.
   */
  start(head: number, announced = head): void {
    if (this.startSeq !== undefined) return;
    this.#order.start(head);
    this.#order.announcedSeq = Math.max(this.#order.announcedSeq, announced);
    this.retain();
    this.#deliverPending();
    this.release();
  }

  /** Reads missed messages from Postgres and delivers them. Never rejects: after an error, tries again later. */
  async catchUp(): Promise<void> {
    if (this.#isReading || this.startSeq === undefined || this.#closed) return;
    this.#isReading = true;
    this.#readFailed = false;
    this.retain();
    try {
      while (await this.#readPage());
    } catch (error) {
      const { deliveredSeq } = this;
      this.#options.log.warn({ error, roomId: this.roomId, deliveredSeq }, 'missed messages could not be read');
      this.#readFailed = true;
      this.#setTimer(RETRY_AFTER_MS);
    }
    this.#isReading = false;
    this.#deliverPending();
    this.release();
  }

  /**
   * Handles a broadcast: a header and some records. A record is an encoded message (shared/contract/channels.ts). One
   * broadcast can remove and add again the only member of the room who is on this gateway. Without `retain`, the
   * removal would close this feed, and a new feed would miss messages. So this method retains the feed until it
   * returns.
   */
  receive({ head, changes, records }: Broadcast): void {
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
  }

  #deliverPending(): void {
    if (this.startSeq === undefined || this.#closed) return;
    this.#order.deliverPending();
    if (this.#order.hasGap) this.#setTimer(Math.min(GAP_WAIT_MS * 2 ** this.#emptyReads, MAX_GAP_WAIT_MS));
  }

  #setTimer(delayMs: number): void {
    if (this.#closed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#order.hasGap || this.#readFailed) void this.catchUp();
    }, delayMs);
  }

  /** Reads one page and delivers its messages. @returns true if there may be another page */
  async #readPage(): Promise<boolean> {
    const messages = await this.#options.reads.messagesAfter(this.roomId, this.deliveredSeq, PAGE_SIZE);
    if (this.#closed) return false;
    this.#countEmptyRead(messages.length === 0 && this.#order.hasGap);
    for (const message of messages) {
      // Some of these messages may have come through the channel during the read.
      if (message.seq !== this.deliveredSeq + 1) continue;
      this.#order.accept(message.seq, encodeMessage(message), membershipChange(message));
    }
    return messages.length === PAGE_SIZE;
  }

  /**
   * A message is announced after its commit. So if Postgres does not have it, Postgres has gone back in time, and other
   * messages will get these numbers.
   */
  #countEmptyRead(isEmpty: boolean): void {
    this.#emptyReads = isEmpty ? this.#emptyReads + 1 : 0;
    if (isEmpty) this.#order.dropPending();
    if (this.#emptyReads < MAX_EMPTY_READS) return;
    this.#emptyReads = 0;
    this.#order.forgetGap();
    this.#options.onMissing();
  }
}

function changeAt(changes: MembershipChange[], seq: number): MembershipChange | undefined {
  return changes.length === 0 ? undefined : changes.find((change) => change.seq === seq);
}
