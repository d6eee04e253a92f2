import type { Notice } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { Log } from '../../shared/log.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { type Attachment, BEFORE_ALL_ROOMS } from '../reads/attachment-reads.ts';
import type { Reads } from '../reads/reads.ts';
import { AttachedUser, type LiveSocket, type SocketAttachment } from './attached-user.ts';
import type { Feeds } from './feeds.ts';
import { GradualAttach } from './gradual-attach.ts';
import { HeadReports } from './head-reports.ts';
import { Invitations } from './invitations.ts';
import { loadRooms } from './load-rooms.ts';
import { NoticeChannel, type NoticeChannelOptions } from './notice-channel.ts';
import type { Presence } from './presence.ts';
import { recheckUsers } from './recheck-users.ts';
import { Replays, type ReplaysOptions } from './replays.ts';
import { Resumption, type SendWelcome, WelcomeParts } from './resumption.ts';
import type { ResumeRequest } from './room-plan.ts';
import { Slices } from './slices.ts';
import { welcomeRooms } from './welcome-rooms.ts';

/** A socket joins more topics than this in slices. */
const MAX_TOPICS_AT_ONCE = 500;

export interface RoomSubscriptionsOptions extends NoticeChannelOptions {
  feeds: Feeds;
  reads: Pick<Reads, 'attachment' | 'membershipsIn' | 'messagesAfter'> & ReplaysOptions['reads'];
  presence: Presence;
  /** Sends a frame to every socket on a topic. The topic of a room is its id. */
  publish: (topic: string, frame: string) => void;
  log: Log;
}

/** Keeps the sockets of each user subscribed to the topics of the rooms of this user, and of no other room. */
export class RoomSubscriptions {
  readonly #options: RoomSubscriptionsOptions;
  readonly #invitations: Invitations;
  readonly #slices = new Slices();
  readonly #replays: Replays;
  readonly #headReports: HeadReports;
  readonly #notices: NoticeChannel;
  readonly #users = new Map<string, AttachedUser>();
  readonly #gradual = new Set<GradualAttach>();
  #socketCount = 0;
  #recheckNumber = 0;
  #isClosed = false;

  constructor(options: RoomSubscriptionsOptions) {
    this.#options = options;
    this.#invitations = new Invitations(options);
    this.#replays = new Replays(options, this.#invitations, this.#slices);
    this.#headReports = new HeadReports(options.feeds);
    this.#notices = new NoticeChannel(options, (notice) => this.receive(notice));
  }

  get counts(): { users: number; sockets: number } {
    return { users: this.#users.size, sockets: this.#socketCount };
  }

  /** See `LiveRooms.attach`. */
  async attach(socket: LiveSocket, bearer: Bearer, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const known = this.#users.get(bearer.userId);
    const attachment = this.#addSocket(socket, bearer);
    const { user } = attachment;
    // Notices are subscribed before the read of the token. So a revocation after this read arrives as a notice.
    const isTokenValid = await (known ? this.#checkToken(user, bearer) : this.#load(user, bearer));
    if (!isTokenValid) throw new Refusal('token_revoked');
    if (socket.closed || this.#isClosed) throw new Refusal('unavailable');
    this.#options.presence.enter(user.id);
    if (user.rooms.size <= MAX_TOPICS_AT_ONCE) this.#joinAtOnce(socket, attachment, welcome);
    else await this.#joinGradually(socket, attachment, welcome);
  }

  /** See `LiveRooms.attachResuming`. */
  async attachResuming(
    socket: LiveSocket,
    bearer: Bearer,
    request: ResumeRequest,
    welcome: SendWelcome,
  ): Promise<void> {
    const isKnown = this.#users.has(bearer.userId);
    const attachment = this.#addSocket(socket, bearer);
    const { user } = attachment;
    const resumption = new Resumption(user, socket);
    attachment.resumption = resumption;
    const parts = new WelcomeParts(resumption, request, welcome);
    const roomsAfter = await (isKnown ? this.#waitForUser(user) : this.#loadAndWelcome(user, bearer, parts));
    await welcomeRooms(resumption, parts, roomsAfter, { ...this.#options, invitations: this.#invitations, bearer });
    // From here to the end, everything happens in one tick.
    this.#options.presence.enter(user.id);
    attachment.isAttached = true;
    this.#headReports.add(socket);
    parts.finish();
    void this.#replays.run(resumption);
  }

  /** See `LiveRooms.resume`. */
  resume(socket: LiveSocket, request: ResumeRequest): void {
    const { attachment } = socket;
    if (!attachment?.isAttached) return;
    if (attachment.resumption) attachment.resumption.request(request);
    else this.#startReplay(socket, attachment, request);
  }

  /** Forgets all users and their sockets. The caller closes the sockets. */
  close(): void {
    const { presence } = this.#options;
    this.#isClosed = true;
    this.#notices.close();
    this.#headReports.close();
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
    this.#headReports.delete(socket);
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

  #startReplay(socket: LiveSocket, attachment: SocketAttachment, request: ResumeRequest): void {
    const resumption = new Resumption(attachment.user, socket);
    resumption.endAttach();
    resumption.request(request);
    attachment.resumption = resumption;
    void this.#replays.run(resumption);
  }

  #addSocket(socket: LiveSocket, bearer: Bearer): SocketAttachment {
    const user = this.#users.get(bearer.userId) ?? this.#addUser(bearer.userId);
    const attachment = { user, bearer, isAttached: false, gradual: undefined, resumption: undefined };
    socket.attachment = attachment;
    user.sockets.add(socket);
    this.#socketCount++;
    return attachment;
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
      else if (change.isMember) user.join(roomId, change.seq);
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
    await this.#notices.subscribe();
    const { isTokenValid } = await this.#options.reads.attachment({ bearer });
    await user.loaded;
    return isTokenValid;
  }

  /** @returns the id before all rooms, because the socket must read its rooms itself */
  async #waitForUser(user: AttachedUser): Promise<string> {
    await this.#notices.subscribe();
    await user.loaded;
    return BEFORE_ALL_ROOMS;
  }

  /**
   * The first page of rooms is read for the user and for the socket, so that a user of very many rooms gets a `Welcome`
   * soon. The socket reads the other pages itself: the user must not wait for a slow socket.
   * @returns the id after which the next page begins
   */
  async #loadAndWelcome(user: AttachedUser, bearer: Bearer, parts: WelcomeParts): Promise<string | undefined> {
    let roomsAfter: string | undefined;
    const isTokenValid = await this.#load(user, bearer, (page) => {
      if (page.isTokenValid) parts.add(page.rooms);
      roomsAfter = page.nextAfter;
    });
    if (!isTokenValid) throw new Refusal('token_revoked');
    return roomsAfter;
  }

  async #load(user: AttachedUser, bearer: Bearer, onFirstPage?: (page: Attachment) => void): Promise<boolean> {
    const loaded = this.#notices
      .subscribe()
      .then(() => loadRooms(user, bearer, { ...this.#options, slices: this.#slices, onFirstPage }));
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
      else if (seq > (this.#options.feeds.progressOf(roomId)?.startSeq ?? seq)) user.join(roomId, seq);
      else void this.#invitations.accept(user, { roomId, seq });
    }
    user.markLoaded();
  }
}
