import type { Redis } from 'ioredis';
import { type ChannelNames, channelNames } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import { Reply } from '../../shared/contract/jobs.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Reads } from '../reads/reads.ts';
import type { LiveSocket } from './attached-user.ts';
import { Feeds } from './feeds.ts';
import { HeadSweep } from './head-sweep.ts';
import type { FeedListener } from './message-order.ts';
import { Presence } from './presence.ts';
import { RoomSubscriptions } from './room-subscriptions.ts';
import { Subscriber } from './subscriber.ts';

export interface LiveRoomsOptions {
  redis: Redis;
  /** A `subscriber` connection (shared/redis.ts). {@link LiveRooms.close} closes this connection. */
  subscriberRedis: Redis;
  gatewayId: string;
  /** `REDIS_PREFIX` */
  prefix: string;
  reads: Pick<Reads, 'attachment' | 'membershipsIn' | 'messagesAfter' | 'changedHeads'>;
  /** Sends a frame to every socket on a topic. The topic of a room is its id. */
  publish: (topic: string, frame: string) => void;
  payloads: PayloadReader;
  log: Log;
}

/**
 * Delivers the messages of rooms to the sockets of this gateway. All messages take the same way:
 * Redis → Subscriber → RoomChannels → Feeds (order, gaps) → {@link LiveRooms.deliver} → RoomSubscriptions (who is a member) → topics.
 */
export class LiveRooms implements FeedListener {
  /** Closes all sockets, because they may have missed messages. The gateway sets this when it has sockets. */
  closeSockets: (name: 'unavailable') => unknown = () => undefined;
  readonly #gatewayId: string;
  readonly #names: ChannelNames;
  readonly #payloads: PayloadReader;
  readonly #subscriber: Subscriber;
  readonly #feeds: Feeds;
  readonly #sweep: HeadSweep;
  readonly #presence: Presence;
  readonly #subscriptions: RoomSubscriptions;
  #onMissedReplies: (() => void) | undefined;

  constructor({ redis, subscriberRedis, ...options }: LiveRoomsOptions) {
    const { gatewayId, prefix, payloads, log } = options;
    const names = channelNames(prefix);
    this.#gatewayId = gatewayId;
    this.#names = names;
    this.#payloads = payloads;
    const subscriber = new Subscriber({
      redis: subscriberRedis,
      onResubscribed: () => this.#handleResubscribed(),
      onSilent: () => this.closeSockets('unavailable'),
      log,
    });
    const feeds = new Feeds({ ...options, names, subscriber, listener: this });
    const presence = new Presence({ redis, gatewayId, prefix, log });
    this.#subscriber = subscriber;
    this.#feeds = feeds;
    this.#sweep = new HeadSweep({ ...options, feeds });
    this.#presence = presence;
    this.#subscriptions = new RoomSubscriptions({ ...options, names, subscriber, feeds, presence });
  }

  /** The users, sockets and feeds on this gateway. */
  get counts(): { users: number; sockets: number; rooms: number } {
    return { ...this.#subscriptions.counts, rooms: this.#feeds.count };
  }

  /** True if no message can arrive, because Redis is silent. No socket is attached then. */
  get isSilent(): boolean {
    return this.#subscriber.isSilent;
  }

  /**
   * Passes each reply for this gateway to `complete`. Resolves when the channel of the replies is subscribed.
   * @param onMissed called after each reconnect to Redis, when the channel is subscribed again
   */
  async subscribeToReplies(complete: (reply: Reply) => void, onMissed: () => void): Promise<void> {
    this.#onMissedReplies = onMissed;
    await this.#subscriber.subscribe(this.#names.gateway(this.#gatewayId), (payload) => {
      const reply = this.#payloads.read('reply', payload, (text) => decodeVersioned(Reply, text));
      if (reply) complete(reply);
    });
  }

  /**
   * Subscribes a socket to the topics of its user's rooms. Call {@link detach} when the socket has closed, also after
   * an error.
   * @param welcome gets each room with the seq of its last message. Called in the tick in which the socket is
   *   subscribed, so the socket gets every later message, without a gap.
   * @throws Refusal `token_revoked`, or `unavailable` if the socket has closed or a service does not answer
   */
  async attach(socket: LiveSocket, bearer: Bearer, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    if (this.isSilent) throw new Refusal('unavailable');
    return this.#subscriptions.attach(socket, bearer, welcome);
  }

  /** Does nothing if the socket was never attached. */
  detach(socket: LiveSocket): void {
    this.#subscriptions.detach(socket);
  }

  /** @returns the users who have a socket on any gateway, or an empty set if Redis does not answer */
  whoIsOnline(userIds: string[]): Promise<Set<string>> {
    return this.#presence.whoIsOnline(userIds);
  }

  deliver(roomId: string, record: string, change: MembershipChange | undefined): void {
    this.#subscriptions.deliver(roomId, record, change);
  }

  /** Reads from Postgres what missed publications contained. Called after each reconnect to Redis. Never rejects. */
  async recheck(): Promise<void> {
    this.#feeds.recheck();
    await this.#subscriptions.recheck();
  }

  /** Closes the connection of the subscriber. Does not close the sockets. */
  async close(): Promise<void> {
    this.#subscriber.close();
    this.#sweep.close();
    this.#feeds.close();
    await this.#presence.close();
  }

  #handleResubscribed(): void {
    this.#onMissedReplies?.();
    void this.recheck();
  }
}
