import type { KnownHead } from '../../reads/head-reads.ts';
import { Feed, type FeedOptions } from './feed.ts';
import { LingeringFeeds } from './lingering-feeds.ts';
import { RecentMemory } from './recent-memory.ts';
import { RoomChannels, type RoomChannelsOptions } from './room-channels.ts';
import { UnfollowedHeads } from './unfollowed-heads.ts';

export interface FeedsOptions
  extends Omit<FeedOptions, 'recent' | 'onIdle' | 'onClose'>,
    Omit<RoomChannelsOptions, 'receive'> {
  /** For this time, a room without a member here is still followed. The default is a minute. */
  lingerMs?: number | undefined;
}

/**
 * The feeds of the rooms that this gateway follows, one feed for each room. A feed whose room has no member here any more
 * stays for a minute, so that a client that comes back gets what it missed without a read.
 */
export class Feeds {
  readonly #options: FeedOptions;
  readonly #channels: RoomChannels;
  readonly #feeds = new Map<string, Feed>();
  readonly #unfollowed = new UnfollowedHeads();
  readonly #lingering: LingeringFeeds;

  constructor(options: FeedsOptions) {
    this.#lingering = new LingeringFeeds(options.lingerMs);
    this.#options = {
      ...options,
      recent: new RecentMemory(),
      onIdle: (feed) => this.#lingering.add(feed),
      onClose: (roomId, head) => this.#removeFeed(roomId, head),
    };
    const receive: RoomChannelsOptions['receive'] = (broadcast) => {
      const feed = this.#feeds.get(broadcast.roomId);
      if (feed) feed.receive(broadcast);
      else this.#unfollowed.note(broadcast.roomId, broadcast.head);
    };
    this.#channels = new RoomChannels({ ...options, receive });
  }

  /** The feeds of rooms with a member on this gateway. */
  get count(): number {
    return this.#feeds.size - this.#lingering.count;
  }

  /**
   * Follows a room until {@link release}. After 3 calls for a room, its feed stays until `release` was called 3 times.
   * @returns a promise that resolves when the channel of the room is subscribed
   */
  retain(roomId: string): Promise<void> {
    return this.#retainedFeed(roomId).subscribed;
  }

  /** Like {@link retain}. @returns the id of the room, as one text in memory for all users of the room */
  retainId(roomId: string): string {
    return this.#retainedFeed(roomId).roomId;
  }

  release(roomId: string): void {
    this.#feeds.get(roomId)?.release();
  }

  /**
   * Starts to deliver the messages after `head`, the seq of the last known message. Does nothing if the feed has
   * started before, or if the room has no feed.
   */
  start(roomId: string, head: number): void {
    this.#feeds.get(roomId)?.start(head);
  }

  /** Call this before a read of heads, and {@link endRead} after their use. @returns the time of the read */
  beginRead(): number {
    return this.#unfollowed.beginRead();
  }

  endRead(): void {
    this.#unfollowed.endRead();
  }

  /**
   * Starts a feed with a head that was read from Postgres.
   * @param readAt when the read began
   * @returns true if the feed delivers all messages after `head`. If false, wait until the channel of the room is
   *   subscribed, and read the head again
   */
  startAfterRead(roomId: string, head: number, readAt: number): boolean {
    const feed = this.#feeds.get(roomId);
    if (!feed) return false;
    // A feed that existed before the read has kept everything itself.
    const knowsAll = feed.createdAt <= readAt || this.#unfollowed.knowsSince(readAt);
    const missesNothing = this.#channels.isSubscribedSince(roomId, readAt) && knowsAll;
    if (feed.startSeq === undefined && missesNothing) feed.start(head, this.#unfollowed.headOf(roomId));
    return feed.startSeq !== undefined && feed.startSeq <= head;
  }

  /** Returns how far the feed of a room is. Undefined if there is no feed, or if it has not started. */
  progressOf(roomId: string): { startSeq: number; deliveredSeq: number } | undefined {
    const feed = this.#feeds.get(roomId);
    return feed?.startSeq === undefined ? undefined : { startSeq: feed.startSeq, deliveredSeq: feed.deliveredSeq };
  }

  /**
   * Returns the records of a room after a seq up to the last delivered one, in their current state. Undefined if they are
   * not all in memory: then read them from Postgres.
   */
  recordsAfter(roomId: string, seq: number): string[] | undefined {
    return this.#feeds.get(roomId)?.recordsAfter(seq);
  }

  /** False if the feed started after `head`, so the feed has not delivered all messages after `head`. */
  deliversAllAfter(roomId: string, head: number): boolean {
    return (this.#feeds.get(roomId)?.startSeq ?? 0) <= head;
  }

  /** Returns the last delivered seq of each room whose feed has started. Each one is read when it is iterated. */
  *heads(): Iterable<KnownHead> {
    for (const { roomId, startSeq, deliveredSeq } of this.#feeds.values()) {
      if (startSeq !== undefined) yield { roomId, seq: deliveredSeq };
    }
  }

  /** Makes the feed of a room deliver its messages up to this head, which are stored. */
  announce(roomId: string, head: number): void {
    this.#feeds.get(roomId)?.receive({ roomId, head, changes: [], records: [] });
  }

  /** Reads the missed messages of all rooms, for example after the connection to Redis was lost. */
  recheck(): void {
    this.#channels.markResubscribed();
    for (const feed of this.#feeds.values()) void feed.catchUp();
  }

  close(): void {
    this.#lingering.close();
    for (const feed of this.#feeds.values()) feed.close();
  }

  #retainedFeed(roomId: string): Feed {
    const feed = this.#feeds.get(roomId) ?? this.#createFeed(roomId);
    this.#lingering.remove(feed);
    feed.retain();
    return feed;
  }

  #createFeed(roomId: string): Feed {
    const feed = new Feed(roomId, this.#channels.retain(roomId), this.#options);
    this.#feeds.set(roomId, feed);
    return feed;
  }

  #removeFeed(roomId: string, head: number): void {
    this.#feeds.delete(roomId);
    this.#unfollowed.note(roomId, head);
    this.#channels.release(roomId);
  }
}
