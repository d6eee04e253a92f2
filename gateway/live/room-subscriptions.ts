import { type ChannelNames, type Notice, Notices } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import { decodeVersioned } from '../../shared/contract/versions.ts';
import type { Log } from '../../shared/log.ts';
import type { PayloadReader } from '../../shared/payloads.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Reads } from '../reads/reads.ts';
import { AttachedUser, type LiveSocket, type SocketAttachment } from './attached-user.ts';
import type { Feeds } from './feeds.ts';
import { GradualAttach } from './gradual-attach.ts';
import { Invitations } from './invitations.ts';
import { loadRooms } from './load-rooms.ts';
import type { Presence } from './presence.ts';
import { recheckUsers } from './recheck-users.ts';
import { Slices } from './slices.ts';
import type { Subscriber } from './subscriber.ts';

/** A socket joins more topics than this in slices. */
const MAX_TOPICS_AT_ONCE = 500;

export interface RoomSubscriptionsOptions {
  feeds: Feeds;
  subscriber: Subscriber;
  names: ChannelNames;
  reads: Pick<Reads, 'attachment' | 'membershipsIn' | 'messagesAfter'>;
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
  readonly #slices = new Slices();
  readonly #users = new Map<string, AttachedUser>();
  readonly #gradual = new Set<GradualAttach>();
  #socketCount = 0;
  #recheckNumber = 0;
  #isClosed = false;
  /** Undefined after Redis refused the subscription. The next socket then subscribes again. */
  #noticesSubscribed: Promise<void> | undefined;

  constructor(options: RoomSubscriptionsOptions) {
    this.#options = options;
    this.#invitations = new Invitations(options);
  }

  get counts(): { users: number; sockets: number } {
    return { users: this.#users.size, sockets: this.#socketCount };
  }

  /** See `LiveRooms.attach`. */
  async attach(socket: LiveSocket, bearer: Bearer, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const known = this.#users.get(bearer.userId);
    const user = known ?? this.#addUser(bearer.userId);
    const attachment: SocketAttachment = { user, bearer, isAttached: false, gradual: undefined };
    socket.attachment = attachment;
    user.sockets.add(socket);
    this.#socketCount++;
    // Notices are subscribed before the read of the token. So a revocation after this read arrives as a notice.
    const isTokenValid = await (known ? this.#checkToken(user, bearer) : this.#load(user, bearer));
    if (!isTokenValid) throw new Refusal('token_revoked');
    if (socket.closed || this.#isClosed) throw new Refusal('unavailable');
    this.#options.presence.enter(user.id);
    if (user.rooms.size <= MAX_TOPICS_AT_ONCE) this.#joinAtOnce(socket, attachment, welcome);
    else await this.#joinGradually(socket, attachment, welcome);
  }

  /** Forgets all users and their sockets. The caller closes the sockets. */
  close(): void {
    const { subscriber, names, presence } = this.#options;
    this.#isClosed = true;
    subscriber.unsubscribe(names.notices, this.#receiveNotices);
    for (const user of this.#users.values()) {
      user.closed = true;
      presence.leave(user.id);
      for (const socket of user.sockets) socket.attachment = undefined;
    }
    this.#users.clear();
    this.#socketCount = 0;
  }

  /** See `LiveRooms.detach`. */
  detach(socket: LiveSocket): void {
    const user = socket.attachment?.user;
    if (!user?.sockets.delete(socket)) return;
    this.#socketCount--;
    socket.attachment = undefined;
    if (user.sockets.size === 0) this.#removeUser(user);
  }

  /**
   * Publishes a message to the topic of its room. If the message adds a member, the member joins the topic first and
   * receives the message. If the message removes a member, the member leaves the topic afterwards, so this is the last
   * message for this member. All steps happen in one tick, so no other message comes between.
   */
  deliver(roomId: string, record: string, change: MembershipChange | undefined): void {
    if (change) this.#deliverChange(roomId, record, change);
    else this.#publish(roomId, record);
  }

  /**
   * Notices can be lost. So this method reads from Postgres which rooms each user is a member of, and which tokens
   * are still valid. Never rejects.
   */
  recheck(): Promise<void> {
    const number = ++this.#recheckNumber;
    const isReplaced = () => number !== this.#recheckNumber;
    return recheckUsers([...this.#users.values()], this.#invitations, { ...this.#options, isReplaced });
  }

  /** A notice that comes again changes nothing. */
  receive(notice: Notice): void {
    const user = this.#users.get(notice.userId);
    if (!user) return;
    if ('invitation' in notice) void this.#invitations.accept(user, notice.invitation);
    else user.closeRevokedSockets(notice.revocation);
  }

  #joinAtOnce(socket: LiveSocket, attachment: SocketAttachment, welcome: (rooms: RoomHead[]) => void): void {
    const { feeds } = this.#options;
    const { rooms } = attachment.user;
    attachment.isAttached = true;
    welcome(Array.from(rooms, (id) => ({ id, seq: feeds.progressOf(id)?.deliveredSeq ?? 0 })));
    for (const roomId of rooms) socket.join(roomId);
  }

  /** Returns after the `Welcome`. The socket then gets every message, although it still joins topics. */
  #joinGradually(
    socket: LiveSocket,
    attachment: SocketAttachment,
    welcome: (rooms: RoomHead[]) => void,
  ): Promise<void> {
    const gradual = new GradualAttach(attachment.user, socket);
    attachment.gradual = gradual;
    this.#gradual.add(gradual);
    return new Promise((resolve, reject) => {
      const run = gradual.run(this.#options.feeds, this.#slices, (heads) => {
        attachment.isAttached = true;
        welcome(heads);
        resolve();
      });
      const end = () => {
        this.#gradual.delete(gradual);
        attachment.gradual = undefined;
      };
      run.finally(end).then(resolve, reject);
    });
  }

  #publish(roomId: string, record: string): void {
    this.#options.publish(roomId, record);
    for (const gradual of this.#gradual) gradual.receive(roomId, record);
  }

  #deliverChange(roomId: string, record: string, change: MembershipChange): void {
    const users = this.#usersOf(roomId, change);
    for (const user of users) {
      if (!user.isReady) user.keepChange(roomId, change);
      else if (change.isMember) user.join(roomId);
    }
    this.#publish(roomId, record);
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
    const user = new AttachedUser(userId, this.#options.feeds);
    this.#users.set(userId, user);
    return user;
  }

  #removeUser(user: AttachedUser): void {
    const { presence, feeds } = this.#options;
    user.closed = true;
    this.#users.delete(user.id);
    presence.leave(user.id);
    void this.#slices.run(user.rooms, (roomId) => {
      user.rooms.delete(roomId);
      feeds.release(roomId);
    });
  }

  async #checkToken(user: AttachedUser, bearer: Bearer): Promise<boolean> {
    await this.#subscribeToNotices();
    const { isTokenValid } = await this.#options.reads.attachment({ bearer });
    await user.loaded;
    return isTokenValid;
  }

  async #load(user: AttachedUser, bearer: Bearer): Promise<boolean> {
    const loaded = this.#subscribeToNotices().then(() =>
      loadRooms(user, bearer, { ...this.#options, slices: this.#slices }),
    );
    user.loaded = loaded.then(() => this.#makeReady(user));
    await user.loaded;
    return loaded;
  }

  /** Applies the changes that arrived during the reads. Now `user.rooms` equals the memberships. */
  #makeReady(user: AttachedUser): void {
    user.isReady = true;
    if (user.closed) return;
    for (const [roomId, { seq, isMember }] of user.changesBeforeReady) {
      if (!isMember) user.leave(roomId, seq);
      // A feed that started later may have passed a removal.
      else if (seq > (this.#options.feeds.progressOf(roomId)?.startSeq ?? seq)) user.join(roomId);
      else void this.#invitations.accept(user, { roomId, seq });
    }
    user.markLoaded();
  }

  #subscribeToNotices(): Promise<void> {
    const { subscriber, names } = this.#options;
    this.#noticesSubscribed ??= subscriber.subscribe(names.notices, this.#receiveNotices).catch((error: unknown) => {
      this.#noticesSubscribed = undefined;
      throw error;
    });
    return this.#noticesSubscribed;
  }

  readonly #receiveNotices = (payload: string): void => {
    const received = this.#options.payloads.read('notice', payload, (text) => decodeVersioned(Notices, text));
    for (const notice of received?.notices ?? []) this.receive(notice);
  };
}
