import { type Broadcast, type ChannelNames, decodeBroadcast } from '../../shared/contract/channels.ts';
import { encodeMessage, type MembershipChange, membershipChange } from '../../shared/contract/messages.ts';
import type { Log } from '../../shared/log.ts';
import type { Reads } from '../reads/reads.ts';
import type { Subscriber } from './subscriber.ts';

/** Messages of one room read at once, and kept at most while they wait for their turn. */
const PAGE = 500;
const MAX_AHEAD = 10_000;
/** Milliseconds that a message ahead of its turn waits for its predecessors until they are read from Postgres. */
const GAP_GRACE = 20;
const RETRY_AFTER = 250;

interface Turn {
  record: string;
  change: MembershipChange | undefined;
}

/** A room's messages as this gateway hands them on: in sequence, each once. */
interface Feed {
  roomId: string;
  holds: number;
  subscribed: Promise<void>;
  listen: (payload: string) => void;
  /** The first seq that is handed on here is `since` + 1; undefined until it starts. */
  since?: number;
  /** The last seq that was handed on. */
  head: number;
  /** The highest seq heard of. */
  heard: number;
  ahead: Map<number, Turn>;
  gapTimer?: NodeJS.Timeout;
  catchingUp: boolean;
}

export interface FeedsOptions {
  subscriber: Subscriber;
  names: ChannelNames;
  reads: Reads;
  /** Gets each message in its turn, in the same tick in which the feed's head moves to it. */
  deliver: (roomId: string, record: string, change: MembershipChange | undefined) => void;
  log: Log;
}

/** The rooms that this gateway listens to: those with a member online here. Gaps are read from Postgres. */
export class Feeds {
  readonly #options: FeedsOptions;
  readonly #feeds = new Map<string, Feed>();

  constructor(options: FeedsOptions) {
    this.#options = options;
  }

  /** Listens to a room until {@link release}; resolves when nothing published from then on can be missed. */
  hold(roomId: string): Promise<void> {
    const feed = this.#feeds.get(roomId) ?? this.#open(roomId);
    feed.holds++;
    return feed.subscribed;
  }

  release(roomId: string): void {
    const feed = this.#feeds.get(roomId);
    if (!feed || --feed.holds > 0) return;
    this.#feeds.delete(roomId);
    clearTimeout(feed.gapTimer);
    this.#options.subscriber.unsubscribe(this.#options.names.room(roomId), feed.listen);
  }

  /** Hands on what comes after `head`; changes nothing if the feed has started before. Only for a held room. */
  start(roomId: string, head: number): void {
    const feed = this.#feeds.get(roomId);
    if (!feed || feed.since !== undefined) return;
    feed.since = head;
    feed.head = head;
    feed.holds++;
    this.#advance(feed);
    this.release(roomId);
  }

  /** The last seq handed on and the one before the first; undefined if the feed has not started. */
  position(roomId: string): { since: number; head: number } | undefined {
    const feed = this.#feeds.get(roomId);
    return feed?.since === undefined ? undefined : { since: feed.since, head: feed.head };
  }

  /** Looks for messages that were missed in any room, as after a lost connection to Redis. */
  checkAll(): void {
    for (const feed of this.#feeds.values()) void this.#catchUp(feed);
  }

  #open(roomId: string): Feed {
    const listen = (payload: string) => this.#hear(feed, decodeBroadcast(payload));
    const { subscriber, names } = this.#options;
    const feed: Feed = {
      roomId,
      holds: 0,
      subscribed: subscriber.subscribe(names.room(roomId), listen),
      listen,
      head: 0,
      heard: 0,
      ahead: new Map(),
      catchingUp: false,
    };
    this.#feeds.set(roomId, feed);
    return feed;
  }

  /**
   * Whoever hands on holds the feed meanwhile: a message may remove its last member and the next add him again, and it
   * must be the same feed that goes on.
   */
  #hear(feed: Feed, { head, changes, records }: Broadcast): void {
    feed.holds++;
    feed.heard = Math.max(feed.heard, head);
    const first = head - records.length + 1;
    records.forEach((record, index) => {
      const seq = first + index;
      const change = changes.length > 0 ? changes.find((each) => each.seq === seq) : undefined;
      this.#take(feed, seq, { record, change });
    });
    this.#advance(feed);
    this.release(feed.roomId);
  }

  /** In its turn a message goes out at once; before its turn it waits. */
  #take(feed: Feed, seq: number, turn: Turn): void {
    if (feed.since !== undefined && seq === feed.head + 1) this.#handOn(feed, turn);
    else if ((feed.since === undefined || seq > feed.head) && feed.ahead.size < MAX_AHEAD) feed.ahead.set(seq, turn);
  }

  /** Hands on what waited for its turn and now has it; if something is missing still, reads it after a short while. */
  #advance(feed: Feed): void {
    if (feed.since === undefined) return;
    while (feed.ahead.size > 0) {
      const turn = feed.ahead.get(feed.head + 1);
      if (!turn) break;
      feed.ahead.delete(feed.head + 1);
      this.#handOn(feed, turn);
    }
    if (feed.heard <= feed.head) feed.ahead.clear();
    else feed.gapTimer ??= setTimeout(() => this.#endGrace(feed), GAP_GRACE);
  }

  #endGrace(feed: Feed): void {
    feed.gapTimer = undefined;
    if (feed.heard > feed.head) void this.#catchUp(feed);
  }

  #handOn(feed: Feed, { record, change }: Turn): void {
    feed.head++;
    this.#options.deliver(feed.roomId, record, change);
  }

  async #catchUp(feed: Feed): Promise<void> {
    if (feed.catchingUp || feed.since === undefined || this.#feeds.get(feed.roomId) !== feed) return;
    feed.catchingUp = true;
    feed.holds++;
    try {
      while (await this.#readPage(feed));
    } catch (error) {
      this.#options.log.warn({ error, roomId: feed.roomId, head: feed.head }, 'missed messages could not be read');
      setTimeout(() => void this.#catchUp(feed), RETRY_AFTER);
    } finally {
      feed.catchingUp = false;
    }
    this.#advance(feed);
    this.release(feed.roomId);
  }

  /** @returns whether there may be more */
  async #readPage(feed: Feed): Promise<boolean> {
    const messages = await this.#options.reads.messagesAfter(feed.roomId, feed.head, PAGE);
    for (const message of messages) {
      if (message.seq !== feed.head + 1) continue; // came over the channel meanwhile
      this.#handOn(feed, { record: encodeMessage(message), change: membershipChange(message) });
    }
    return messages.length === PAGE;
  }
}
