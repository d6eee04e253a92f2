import { Feed, type FeedOptions } from './feed.ts';
import { RoomChannels, type RoomChannelsOptions } from './room-channels.ts';

/** The feeds of the rooms that this gateway follows, one feed for each room. */
export class Feeds {
  readonly #options: FeedOptions;
  readonly #channels: RoomChannels;
  readonly #feeds = new Map<string, Feed>();

  constructor(options: FeedOptions & Omit<RoomChannelsOptions, 'receive'>) {
    this.#options = options;
    const receive: RoomChannelsOptions['receive'] = (broadcast) =>
      this.#feeds.get(broadcast.roomId)?.receive(broadcast);
    this.#channels = new RoomChannels({ ...options, receive });
  }

  get count(): number {
    return this.#feeds.size;
  }

  /**
   * Follows a room until {@link release}. After 3 calls for a room, its feed stays until `release` was called 3 times.
   * @returns a promise that resolves when the channel of the room is subscribed
   */
  retain(roomId: string): Promise<void> {
    const feed = this.#feeds.get(roomId) ?? this.#createFeed(roomId);
    feed.retain();
    return feed.subscribed;
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

  /** Returns how far the feed of a room is. Undefined if there is no feed, or if it has not started. */
  progressOf(roomId: string): { startSeq: number; deliveredSeq: number } | undefined {
    const feed = this.#feeds.get(roomId);
    return feed?.startSeq === undefined ? undefined : { startSeq: feed.startSeq, deliveredSeq: feed.deliveredSeq };
  }

  /** False if the feed started after `head`, so the feed has not delivered all messages after `head`. */
  deliversAllAfter(roomId: string, head: number): boolean {
    return (this.#feeds.get(roomId)?.startSeq ?? 0) <= head;
  }

  /** Reads the missed messages of all rooms, for example after the connection to Redis was lost. */
  recheck(): void {
    for (const feed of this.#feeds.values()) void feed.catchUp();
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
  }

  #createFeed(roomId: string): Feed {
    const onClose = () => {
      this.#feeds.delete(roomId);
      this.#channels.release(roomId);
    };
    const feed = new Feed(roomId, this.#channels.retain(roomId), this.#options, onClose);
    this.#feeds.set(roomId, feed);
    return feed;
  }
}
