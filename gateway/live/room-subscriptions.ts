import { type ChannelNames, Notice } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Reads } from '../reads/reads.ts';
import { AttachedUser, type LiveSocket } from './attached-user.ts';
import type { Feeds } from './feeds.ts';
import { Invitations } from './invitations.ts';
import { loadMemberships } from './load-memberships.ts';
import type { Presence } from './presence.ts';
import type { Subscriber } from './subscriber.ts';

export interface RoomSubscriptionsOptions {
  feeds: Feeds;
  subscriber: Subscriber;
  names: ChannelNames;
  reads: Pick<Reads, 'isTokenValid' | 'memberships' | 'messagesAfter'>;
  presence: Presence;
  /** Sends a frame to every socket on a topic. The topic of a room is its id. */
  publish: (topic: string, frame: string) => void;
  payloads: PayloadReader;
  log: Log;
}

/** Keeps the sockets of each user subscribed to the topics of the rooms of this user, and of no other room. */
export class RoomSubscriptions {
  readonly #options: RoomSubscriptionsOptions;
  readonly #invitations: Invitations;
  readonly #users = new Map<string, AttachedUser>();
  readonly #userOf = new Map<LiveSocket, AttachedUser>();

  constructor(options: RoomSubscriptionsOptions) {
    this.#options = options;
    this.#invitations = new Invitations(options);
  }

  get counts(): { users: number; sockets: number } {
    return { users: this.#users.size, sockets: this.#userOf.size };
  }

  /** See `LiveRooms.attach`. */
  async attach(socket: LiveSocket, bearer: Bearer, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const { feeds, presence, reads } = this.#options;
    const user = this.#users.get(bearer.userId) ?? this.#addUser(bearer.userId);
    user.attaching.set(socket, bearer);
    this.#userOf.set(socket, user);
    const exists = await user.loaded;
    // The channel of the user's notices is already subscribed. So a revocation after this read arrives as a notice.
    if (!exists || !(await reads.isTokenValid(bearer))) throw new Refusal('token_revoked');
    if (socket.closed) throw new Refusal('unavailable');
    presence.enter(user.id);
    user.attaching.delete(socket);
    user.attached.set(socket, bearer);
    welcome([...user.rooms].map((id) => ({ id, seq: feeds.progressOf(id)?.deliveredSeq ?? 0 })));
    for (const roomId of user.rooms) socket.join(roomId);
  }

  /** See `LiveRooms.detach`. */
  detach(socket: LiveSocket): void {
    const user = this.#userOf.get(socket);
    if (!user) return;
    this.#userOf.delete(socket);
    user.attaching.delete(socket);
    user.attached.delete(socket);
    if (!user.hasSockets) this.#removeUser(user);
  }

  /**
   * Publishes a message to the topic of its room. If the message adds a member, the member joins the topic first and
   * receives the message. If the message removes a member, the member leaves the topic afterwards, so this is the last
   * message for this member. All steps happen in one tick, so no other message comes between.
   */
  deliver(roomId: string, record: string, change: MembershipChange | undefined): void {
    if (change) this.#deliverChange(roomId, record, change);
    else this.#options.publish(roomId, record);
  }

  /**
   * Notices can be lost. So this method reads from Postgres which rooms each user is a member of, and which tokens
   * are still valid. Never rejects.
   */
  async recheck(): Promise<void> {
    const { log } = this.#options;
    for (const user of this.#users.values()) {
      await this.#recheckUser(user).catch((error: unknown) =>
        log.warn({ error, userId: user.id }, 'the tokens and rooms of a user could not be read'),
      );
    }
  }

  async #recheckUser(user: AttachedUser): Promise<void> {
    const { reads } = this.#options;
    for (const [socket, bearer] of user.sockets()) {
      if (!(await reads.isTokenValid(bearer))) socket.closeWithError(new Refusal('token_revoked'));
    }
    if (!user.isReady) return;
    for (const { roomId, seq } of (await reads.memberships(user.id)) ?? []) {
      await this.#invitations.accept(user, { roomId, seq });
    }
  }

  #deliverChange(roomId: string, record: string, change: MembershipChange): void {
    const users = this.#usersOf(roomId, change);
    for (const user of users) {
      if (!user.isReady) user.changesBeforeReady.set(roomId, change);
      else if (change.isMember) user.join(roomId);
    }
    this.#options.publish(roomId, record);
    if (change.isMember) return;
    for (const user of users) if (user.isReady) user.leave(roomId, change.seq);
  }

  /**
   * Returns the user of the change, if the user is on this gateway. For a deleted room: its members on this gateway,
   * and every user whose memberships are not read yet, because that user may be a member.
   */
  #usersOf(roomId: string, { userId }: MembershipChange): AttachedUser[] {
    if (userId !== 'everyone') {
      const user = this.#users.get(userId);
      return user ? [user] : [];
    }
    const users = [...this.#users.values()];
    return users.filter(
      ({ isReady, rooms, joiningRooms }) => !isReady || rooms.has(roomId) || joiningRooms.has(roomId),
    );
  }

  #addUser(userId: string): AttachedUser {
    const user = new AttachedUser(userId, this.#options.feeds, this.#receiveNotice);
    this.#users.set(userId, user);
    user.loaded = this.#load(user);
    return user;
  }

  #removeUser(user: AttachedUser): void {
    const { presence, subscriber, names } = this.#options;
    this.#users.delete(user.id);
    presence.leave(user.id);
    subscriber.unsubscribe(names.user(user.id), user.receiveNotice);
    user.close();
  }

  readonly #receiveNotice = (user: AttachedUser, payload: string): void => {
    const notice = this.#options.payloads.read('notice', payload, (text) => decodeVersioned(Notice, text));
    if (!notice) return;
    if ('invitation' in notice) void this.#invitations.accept(user, notice.invitation);
    else user.closeRevokedSockets(notice.revocation);
  };

  async #load(user: AttachedUser): Promise<boolean> {
    const { feeds, subscriber, names, reads } = this.#options;
    await subscriber.subscribe(names.user(user.id), user.receiveNotice);
    return loadMemberships(user.id, feeds, reads, (heads) => this.#makeReady(user, heads));
  }

  /**
   * Joins the rooms that were read. Then applies the changes that arrived during the read, if they are newer. Now
   * `user.rooms` equals the memberships.
   */
  #makeReady(user: AttachedUser, heads: Map<string, number>): void {
    user.isReady = true;
    if (user.closed) return;
    for (const roomId of heads.keys()) user.join(roomId);
    for (const [roomId, { seq, isMember }] of user.changesBeforeReady) {
      if (seq <= (heads.get(roomId) ?? 0)) continue;
      if (!isMember) user.leave(roomId, seq);
      else if (this.#options.feeds.progressOf(roomId)) user.join(roomId);
      else void this.#invitations.accept(user, { roomId, seq });
    }
    user.changesBeforeReady.clear();
  }
}
