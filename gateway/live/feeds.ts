import type { ChannelNames } from '../../shared/contract/channels.ts';
import { Feed, type FeedOptions } from './feed.ts';

/** The feeds of the rooms that this gateway follows. A room has one feed, whatever the number of its members here. */
export class Feeds {
  readonly #names: ChannelNames;
  readonly #options: FeedOptions;
  readonly #feeds = new Map<string, Feed>();

  constructor(names: ChannelNames, options: FeedOptions) {
    this.#names = names;
    this.#options = options;
  }

  get count(): number {
    return this.#feeds.size;
  }

  /**
   * Follows a room until {@link release}. Calls are counted: a room with 3 calls needs 3 releases.
   * @returns resolves when no publication after that moment can be missed
   */
  retain(roomId: string): Promise<void> {
    const feed = this.#feeds.get(roomId) ?? this.#createFeed(roomId);
    feed.retain();
    return feed.subscribed;
  }

  release(roomId: string): void {
    this.#feeds.get(roomId)?.release();
  }

  /** Delivers the messages after `head`. Does nothing if the feed has started, or if the room is not retained. */
  start(roomId: string, head: number): void {
    this.#feeds.get(roomId)?.start(head);
  }

  /** Undefined if the feed has not started. */
  progressOf(roomId: string): { startSeq: number; deliveredSeq: number } | undefined {
    const feed = this.#feeds.get(roomId);
    return feed?.startSeq === undefined ? undefined : { startSeq: feed.startSeq, deliveredSeq: feed.deliveredSeq };
  }

  /** False if the feed started later than `head`: this gateway has not seen the messages between. */
  deliversAllAfter(roomId: string, head: number): boolean {
    return (this.#feeds.get(roomId)?.startSeq ?? 0) <= head;
  }

  /** Reads what was missed in any room, for example while the connection to Redis was lost. */
  recheck(): void {
    for (const feed of this.#feeds.values()) void feed.catchUp();
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.close();
  }

  #createFeed(roomId: string): Feed {
    const feed = new Feed(roomId, this.#names.room(roomId), this.#options, () => this.#feeds.delete(roomId));
    this.#feeds.set(roomId, feed);
    return feed;
  }
}
