import { type ChannelNames, type Invitation, Notice, type Revocation } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import { encodeMessage, type MembershipChange, type Message } from '../../shared/contract/messages.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Reads } from '../reads/reads.ts';
import type { Membership } from '../reads/user-reads.ts';
import type { Feeds } from './feeds.ts';
import type { Presence } from './presence.ts';
import type { Subscriber } from './subscriber.ts';

const PAGE = 500;

/** What this module needs of a socket. */
export interface Listener {
  readonly closed: boolean;
  readonly bearer: Bearer;
  /** Takes the socket on a room's topic: it gets what is published there from now on. */
  join(roomId: string): void;
  leave(roomId: string): void;
  send(frame: string): void;
  /** Closes the socket, and says why. */
  end(refusal: Refusal): void;
}

/** A user with a socket here, and the rooms whose topics his sockets are on. */
interface OnlineUser {
  id: string;
  /** Sockets on the topics of all his rooms. */
  listeners: Set<Listener>;
  /** These and the ones that are about to be. */
  sockets: Set<Listener>;
  rooms: Set<string>;
  /** False until his memberships are read; until then what happens to them is noted. */
  ready: boolean;
  noted: Map<string, MembershipChange>;
  /** Rooms that he is about to enter by invitation. */
  entering: Set<string>;
  /** For each room that he left: the seq of that message. */
  left: Map<string, number>;
  loaded: Promise<boolean>;
  listen: (payload: string) => void;
}

export interface RoomSubscriptionsOptions {
  feeds: Feeds;
  subscriber: Subscriber;
  names: ChannelNames;
  reads: Reads;
  presence: Presence;
  /** Sends a frame to every socket on a room's topic. */
  publish: (roomId: string, frame: string) => void;
  log: Log;
}

/** Keeps each user's sockets on the topics of exactly the rooms that he is in. */
export class RoomSubscriptions {
  readonly #options: RoomSubscriptionsOptions;
  readonly #users = new Map<string, OnlineUser>();

  constructor(options: RoomSubscriptionsOptions) {
    this.#options = options;
  }

  /**
   * Puts a socket on the topics of its user's rooms.
   * @param welcome called in the tick in which the socket joins, with how far each room was: what the socket gets
   *   afterwards is what comes after that, without a hole
   * @throws Refusal `token_revoked`, or `unavailable` if the socket has closed meanwhile
   */
  async attach(listener: Listener, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const { userId } = listener.bearer;
    const user = this.#users.get(userId) ?? this.#open(userId);
    user.sockets.add(listener);
    const known = await user.loaded;
    // From here on the end of a token is heard; what ended before is read.
    if (!known || !(await this.#options.reads.isLive(listener.bearer))) throw new Refusal('token_revoked');
    if (listener.closed) throw new Refusal('unavailable');
    this.#options.presence.enter(userId);
    user.listeners.add(listener);
    welcome([...user.rooms].map((id) => ({ id, seq: this.#options.feeds.position(id)?.head ?? 0 })));
    for (const roomId of user.rooms) listener.join(roomId);
  }

  /** For every call of {@link attach}, when its socket has closed. */
  detach(listener: Listener): void {
    const { userId } = listener.bearer;
    const user = this.#users.get(userId);
    if (!user) return;
    user.listeners.delete(listener);
    user.sockets.delete(listener);
    if (user.sockets.size > 0) return;
    this.#users.delete(userId);
    this.#options.presence.leave(userId);
    this.#options.subscriber.unsubscribe(this.#options.names.user(userId), user.listen);
    for (const roomId of user.rooms) this.#options.feeds.release(roomId);
  }

  /**
   * Hands a message to the topic of its room; whoever it adds hears it already, whoever it removes hears it last.
   * All in one tick, so nothing can come between.
   */
  deliver(roomId: string, record: string, change: MembershipChange | undefined): void {
    const users = change ? this.#concerned(roomId, change) : [];
    for (const user of users) {
      if (!user.ready) user.noted.set(roomId, change as MembershipChange);
      else if (change?.member) this.#join(user, roomId);
    }
    this.#options.publish(roomId, record);
    for (const user of users) if (user.ready && change?.member === false) this.#leave(user, roomId, change.seq);
  }

  #concerned(roomId: string, { userId }: MembershipChange): OnlineUser[] {
    if (userId === 'everyone') {
      const users = [...this.#users.values()];
      return users.filter(({ ready, rooms, entering }) => !ready || rooms.has(roomId) || entering.has(roomId));
    }
    const user = this.#users.get(userId);
    return user ? [user] : [];
  }

  /** Looks for what befell users unnoticed, as after a lost connection to Redis: rooms they came into, ended tokens. */
  async checkAll(): Promise<void> {
    for (const user of this.#users.values()) {
      try {
        for (const listener of user.sockets) {
          if (!(await this.#options.reads.isLive(listener.bearer))) listener.end(new Refusal('token_revoked'));
        }
        const memberships = user.ready ? await this.#options.reads.memberships(user.id) : undefined;
        for (const { roomId, seq } of memberships ?? []) await this.#enter(user, { roomId, seq });
      } catch (error) {
        this.#options.log.warn({ error, userId: user.id }, 'a user could not be checked');
      }
    }
  }

  #open(userId: string): OnlineUser {
    const user: OnlineUser = {
      id: userId,
      listeners: new Set(),
      sockets: new Set(),
      rooms: new Set(),
      ready: false,
      noted: new Map(),
      entering: new Set(),
      left: new Map(),
      loaded: Promise.resolve(false),
      listen: (payload) => this.#hear(user, decodeVersioned(Notice, payload)),
    };
    this.#users.set(userId, user);
    user.loaded = this.#load(user);
    return user;
  }

  #hear(user: OnlineUser, notice: Notice): void {
    if ('invitation' in notice) void this.#enter(user, notice.invitation);
    else for (const listener of user.sockets) endIfOver(listener, notice.revocation);
  }

  /** Reads where a new user is a member, and starts the feeds of those rooms. */
  async #load(user: OnlineUser): Promise<boolean> {
    const { feeds, subscriber, names, reads } = this.#options;
    const held = new Set<string>();
    try {
      await subscriber.subscribe(names.user(user.id), user.listen);
      for (;;) {
        const memberships = await reads.memberships(user.id);
        if (!memberships) return false;
        const missing = memberships.filter(({ roomId }) => !held.has(roomId));
        for (const { roomId, head } of memberships) if (held.has(roomId)) feeds.start(roomId, head);
        if (missing.length === 0 && memberships.every((each) => this.#isCurrent(each))) {
          this.#settle(user, new Map(memberships.map(({ roomId, head }) => [roomId, head])));
          return true;
        }
        // Only a room that was listened to before its head was read has no hole.
        for (const { roomId } of missing) held.add(roomId);
        await Promise.all(missing.map(({ roomId }) => feeds.hold(roomId)));
      }
    } finally {
      for (const roomId of held) feeds.release(roomId);
    }
  }

  /** False if the feed began after this was read: what happened between, this gateway has not seen. */
  #isCurrent({ roomId, head }: Membership): boolean {
    return (this.#options.feeds.position(roomId)?.since ?? 0) <= head;
  }

  /** The memberships that were read, corrected by what happened since: now they are exact, and stay so. */
  #settle(user: OnlineUser, heads: Map<string, number>): void {
    user.ready = true;
    if (this.#users.get(user.id) !== user) return;
    for (const roomId of heads.keys()) this.#join(user, roomId);
    for (const [roomId, change] of user.noted) {
      if (change.seq <= (heads.get(roomId) ?? 0)) continue;
      if (!change.member) this.#leave(user, roomId, change.seq);
      else if (this.#options.feeds.position(roomId)) this.#join(user, roomId);
      else void this.#enter(user, { roomId, seq: change.seq });
    }
    user.noted.clear();
  }

  #join(user: OnlineUser, roomId: string): void {
    if (user.rooms.has(roomId)) return;
    user.rooms.add(roomId);
    void this.#options.feeds.hold(roomId);
    for (const listener of user.listeners) listener.join(roomId);
  }

  #leave(user: OnlineUser, roomId: string, seq: number): void {
    user.left.set(roomId, seq);
    if (!user.rooms.delete(roomId)) return;
    for (const listener of user.listeners) listener.leave(roomId);
    this.#options.feeds.release(roomId);
  }

  /** Brings a user into a room that he was added to, if the room's feed will not do it by itself. */
  async #enter(user: OnlineUser, { roomId, seq }: Invitation): Promise<void> {
    await user.loaded.catch(() => false);
    const since = this.#options.feeds.position(roomId)?.since;
    const comesByFeed = since !== undefined && seq > since;
    const old = seq <= (user.left.get(roomId) ?? 0);
    if (!user.ready || comesByFeed || old || user.rooms.has(roomId) || user.entering.has(roomId)) return;
    user.entering.add(roomId);
    try {
      await this.#options.feeds.hold(roomId);
      await this.#replay(user, { roomId, seq });
    } catch (error) {
      this.#options.log.warn({ error, roomId, userId: user.id }, 'an invitation could not be followed');
    } finally {
      user.entering.delete(roomId);
      this.#options.feeds.release(roomId);
    }
  }

  /** Sends the user what the room said since his invitation, and joins in the tick in which that reaches its head. */
  async #replay(user: OnlineUser, { roomId, seq }: Invitation): Promise<void> {
    const { feeds, reads } = this.#options;
    let membership: Membership | undefined;
    do {
      membership = (await reads.memberships(user.id))?.find((each) => each.roomId === roomId);
      if (!membership) return;
      feeds.start(roomId, membership.head);
    } while (!this.#isCurrent(membership));
    const missed: Message[] = [];
    let last = Math.max(seq, membership.seq) - 1;
    while (last < (feeds.position(roomId)?.head ?? 0)) {
      const page = await reads.messagesAfter(roomId, last, PAGE);
      missed.push(...page);
      last = page.at(-1)?.seq ?? last;
    }
    const head = feeds.position(roomId)?.head ?? 0;
    const leftSince = (user.left.get(roomId) ?? 0) > membership.head;
    if (leftSince || user.rooms.has(roomId) || this.#users.get(user.id) !== user) return;
    for (const message of missed.filter((each) => each.seq <= head)) {
      for (const listener of user.listeners) listener.send(encodeMessage(message));
    }
    this.#join(user, roomId);
  }
}

function endIfOver(listener: Listener, revocation: Revocation): void {
  const { tokenId, version } = listener.bearer;
  const isOver = 'tokenId' in revocation ? tokenId === revocation.tokenId : version < revocation.version;
  if (isOver) listener.end(new Refusal('token_revoked'));
}
