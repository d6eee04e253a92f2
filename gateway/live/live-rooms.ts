import type { Redis } from 'ioredis';
import { type ChannelNames, channelNames } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import { Reply } from '../../shared/contract/jobs.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Reads } from '../reads/reads.ts';
import type { LiveSocket } from './attached-user.ts';
import type { Epoch } from './epoch.ts';
import type { FeedsOptions } from './feeds/feeds.ts';
import { closeRooms, type OpenRooms, openRooms } from './open-rooms.ts';
import { Presence } from './presence.ts';
import type { SendWelcome } from './resume/resumption.ts';
import type { ResumeRequest } from './resume/room-plan.ts';
import type { RoomSubscriptionsOptions } from './room-subscriptions.ts';
import { Subscriber } from './subscriber.ts';

/**
 * Workers repeat the head of a room for ten seconds. So for this time, a head can be from before Postgres went back in
 * time, which somebody has noticed already. It is longer, because a feed asks for the messages for some seconds.
 */
const OLD_HEADS_MS = 30_000;

export interface LiveRoomsOptions {
  redis: Redis;
  /** A `subscriber` connection (shared/redis.ts). {@link LiveRooms.close} closes this connection. */
  subscriberRedis: Redis;
  gatewayId: string;
  /** `REDIS_PREFIX` */
  prefix: string;
  reads: RoomSubscriptionsOptions['reads'] & Pick<Reads, 'changedHeads' | 'recentNotices'>;
  pendingCommands: RoomSubscriptionsOptions['pendingCommands'];
  metrics: RoomSubscriptionsOptions['metrics'];
  peopleTimes?: RoomSubscriptionsOptions['peopleTimes'];
  /** Sends a frame to every socket on a topic. The topic of a room is its id. */
  publish: (topic: string, frame: string) => void;
  payloads: PayloadReader;
  lingerMs?: FeedsOptions['lingerMs'];
  epoch: Pick<Epoch, 'spend' | 'renew'>;
  log: Log;
}

/**
 * Delivers the messages of rooms to the sockets of this gateway. All messages take the same way:
 * Redis → Subscriber → RoomChannels → Feeds (order, gaps) → RoomSubscriptions (who is a member) → topics.
 */
export class LiveRooms {
  /** Closes all sockets, because they may have missed messages. The gateway sets this when it has sockets. */
  closeSockets: (name: 'unavailable' | 'reload') => unknown = () => undefined;
  readonly #gatewayId: string;
  readonly #names: ChannelNames;
  readonly #payloads: PayloadReader;
  readonly #subscriber: Subscriber;
  readonly #presence: Presence;
  readonly #log: Log;
  readonly #epoch: LiveRoomsOptions['epoch'];
  readonly #open: () => OpenRooms;
  #rooms: OpenRooms;
  /** Set during a reload. */
  #reloaded: Promise<void> | undefined;
  #isClosed = false;
  #onMissedReplies: (() => void) | undefined;

  constructor({ redis, subscriberRedis, ...options }: LiveRoomsOptions) {
    const { gatewayId, prefix, payloads, log } = options;
    const names = channelNames(prefix);
    this.#gatewayId = gatewayId;
    this.#names = names;
    this.#payloads = payloads;
    this.#log = log;
    this.#epoch = options.epoch;
    const subscriber = new Subscriber({
      redis: subscriberRedis,
      onResubscribed: () => this.#handleResubscribed(),
      onSilent: () => this.closeSockets('unavailable'),
      log,
    });
    const presence = new Presence({ redis, gatewayId, prefix, log });
    this.#subscriber = subscriber;
    this.#presence = presence;
    this.#open = () => {
      const openedAt = performance.now();
      const onWentBack = () => this.#handleWentBack(rooms);
      const onMissing = () => performance.now() - openedAt > OLD_HEADS_MS && onWentBack();
      const publishNews = (payload: string) => redis.publish(names.people, payload);
      const live = { ...options, names, subscriber, presence, publishNews };
      const rooms: OpenRooms = openRooms({ ...live, onWentBack, onMissing });
      return rooms;
    };
    this.#rooms = this.#open();
  }

  /** The users, sockets and feeds on this gateway. */
  get counts(): { users: number; sockets: number; rooms: number } {
    return { ...this.#rooms.subscriptions.counts, rooms: this.#rooms.feeds.count };
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
    while (this.#reloaded) await this.#reloaded;
    if (this.isSilent || socket.closed) throw new Refusal('unavailable');
    return this.#rooms.subscriptions.attach(socket, bearer, welcome);
  }

  /**
   * Attaches a socket that resumes. First it gets the `Welcome`. Then it gets, room by room, what it has missed, and
   * joins the topic. Resolves after the last part of the `Welcome`. {@link detach} and the errors are as for
   * {@link attach}.
   * @param createRequest called when the epoch is known
   */
  async attachResuming(
    socket: LiveSocket,
    bearer: Bearer,
    createRequest: () => ResumeRequest,
    welcome: SendWelcome,
  ): Promise<void> {
    while (this.#reloaded) await this.#reloaded;
    if (this.isSilent || socket.closed) throw new Refusal('unavailable');
    return this.#rooms.subscriptions.attachResuming(socket, bearer, createRequest(), welcome);
  }

  /**
   * Sends what an attached socket has missed in some rooms. Until then, it gets no other message of these rooms.
   * @throws Refusal `busy` if the socket waits for too many rooms already
   */
  resume(socket: LiveSocket, request: ResumeRequest): void {
    this.#rooms.subscriptions.resume(socket, request);
  }

  /**
   * The socket gets who is online in these rooms, each change, and who types. They replace the rooms of the last call.
   * Ignores rooms of which the user is not a member. A socket that was never attached is ignored too.
   */
  watch(socket: LiveSocket, roomIds: string[]): void {
    this.#rooms.subscriptions.watch(socket, roomIds);
  }

  /** Shows the sockets that watch the room that the user types. Ignores a user who is not a member. */
  type(socket: LiveSocket, roomId: string): void {
    this.#rooms.subscriptions.type(socket, roomId);
  }

  /** Does nothing if the socket was never attached. */
  detach(socket: LiveSocket): void {
    this.#rooms.subscriptions.detach(socket);
  }

  /** @returns the users who have a socket on any gateway, or an empty set if Redis does not answer */
  whoIsOnline(userIds: string[]): Promise<Set<string>> {
    return this.#presence.whoIsOnline(userIds);
  }

  /** Reads from Postgres what missed publications contained. Called after each reconnect to Redis. Never rejects. */
  async recheck(): Promise<void> {
    this.#rooms.feeds.recheck();
    await this.#rooms.subscriptions.recheck();
  }

  /**
   * Closes all sockets, and then begins with what Postgres has now. For a database that has gone back in time: sockets
   * have messages that do not exist any more. A socket that attaches waits until the epoch is a new one. Never rejects.
   */
  reload(): Promise<void> {
    this.#reloaded ??= this.#reload().finally(() => {
      this.#reloaded = undefined;
    });
    return this.#reloaded;
  }

  /** Closes the connection of the subscriber. Does not close the sockets. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#subscriber.close();
    closeRooms(this.#rooms);
    await this.#presence.close();
  }

  async #reload(): Promise<void> {
    this.#log.warn({ counts: this.counts }, 'the database has gone back in time, all sockets are closed');
    closeRooms(this.#rooms);
    try {
      await this.closeSockets('reload');
    } catch (error) {
      this.#log.error({ error }, 'sockets could not be closed');
    }
    await this.#epoch.renew();
    if (!this.#isClosed) this.#rooms = this.#open();
  }

  /** Rooms that are closed can still have a read in flight: it says nothing about the epoch of now. */
  #handleWentBack(rooms: OpenRooms): void {
    if (rooms !== this.#rooms || this.#reloaded) return;
    this.#epoch.spend();
    void this.reload();
  }

  #handleResubscribed(): void {
    this.#onMissedReplies?.();
    void this.recheck();
  }
}
