import type { Notice } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { LiveSocket } from './attached-user.ts';
import { AttachedUsers } from './attached-users.ts';
import { FirstReads } from './first-reads.ts';
import { Invitations, type InvitationsOptions } from './invitations.ts';
import { NoticeChannel, type NoticeChannelOptions } from './notice-channel.ts';
import { People, type PeopleOptions } from './people/people.ts';
import type { Presence } from './presence.ts';
import { recheckUsers } from './recheck-users.ts';
import { ResumingSockets, type ResumingSocketsOptions } from './resume/resuming-sockets.ts';
import type { SendWelcome } from './resume/resumption.ts';
import type { ResumeRequest } from './resume/room-plan.ts';
import { Slices } from './slices.ts';
import { TopicJoins } from './topic-joins.ts';

export interface RoomSubscriptionsOptions extends NoticeChannelOptions, ResumingSocketsOptions, PeopleOptions {
  presence: Presence;
  reads: ResumingSocketsOptions['reads'] & InvitationsOptions['reads'];
}

/**
 * Keeps the sockets of each user subscribed to the topics of the rooms of this user, and of no other room. The parts that
 * it makes attach the sockets. This class delivers the messages.
 */
export class RoomSubscriptions {
  readonly #options: RoomSubscriptionsOptions;
  readonly #invitations: Invitations;
  readonly #notices: NoticeChannel;
  readonly #people: People;
  readonly #users: AttachedUsers;
  readonly #firstReads: FirstReads;
  readonly #topicJoins: TopicJoins;
  readonly #resuming: ResumingSockets;
  #recheckNumber = 0;

  constructor(options: RoomSubscriptionsOptions) {
    const slices = new Slices();
    const invitations = new Invitations(options);
    const notices = new NoticeChannel(options, (notice) => this.receive(notice));
    const people = new People(options, slices, () => users.all);
    const users: AttachedUsers = new AttachedUsers({ ...options, people }, slices);
    const firstReads = new FirstReads(options, notices, invitations, slices);
    this.#options = options;
    this.#invitations = invitations;
    this.#notices = notices;
    this.#people = people;
    this.#users = users;
    this.#firstReads = firstReads;
    this.#topicJoins = new TopicJoins(options.feeds, slices);
    this.#resuming = new ResumingSockets(options, { users, firstReads, invitations, slices });
  }

  get counts(): { users: number; sockets: number } {
    return this.#users.counts;
  }

  /** See `LiveRooms.attach`. */
  async attach(socket: LiveSocket, bearer: Bearer, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const isKnown = this.#users.get(bearer.userId) !== undefined;
    const attachment = this.#users.addSocket(socket, bearer);
    const { user } = attachment;
    const isTokenValid = await (isKnown
      ? this.#firstReads.checkToken(user, bearer)
      : this.#firstReads.loadUser(user, bearer));
    if (!isTokenValid) throw new Refusal('token_revoked');
    if (socket.closed || this.#users.isClosed) throw new Refusal('unavailable');
    this.#users.enter(user);
    await this.#topicJoins.joinAll(socket, attachment, welcome);
  }

  /** See `LiveRooms.attachResuming`. */
  attachResuming(socket: LiveSocket, bearer: Bearer, request: ResumeRequest, welcome: SendWelcome): Promise<void> {
    return this.#resuming.attach(socket, bearer, request, welcome);
  }

  /** See `LiveRooms.resume`. */
  resume(socket: LiveSocket, request: ResumeRequest): void {
    this.#resuming.resume(socket, request);
  }

  /** See `LiveRooms.watch`. */
  watch(socket: LiveSocket, roomIds: string[]): void {
    this.#people.watch(socket, roomIds);
  }

  /** See `LiveRooms.type`. */
  type(socket: LiveSocket, roomId: string): void {
    const { attachment } = socket;
    if (attachment?.isAttached) this.#people.type(attachment.user, roomId);
  }

  /** See `LiveRooms.detach`. */
  detach(socket: LiveSocket): void {
    this.#resuming.delete(socket);
    this.#users.deleteSocket(socket);
  }

  /** Forgets all users and their sockets. The caller closes the sockets. */
  close(): void {
    this.#notices.close();
    this.#people.close();
    this.#resuming.close();
    this.#users.close();
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

  /** A notice that comes again changes nothing. */
  receive(notice: Notice): void {
    const user = this.#users.get(notice.userId);
    if (!user) return;
    if ('invitation' in notice) void this.#invitations.accept(user, notice.invitation);
    else if ('read' in notice) user.sendRead(notice.read);
    else user.closeRevokedSockets(notice.revocation);
  }

  /**
   * Notices can be lost. So this method reads from Postgres which rooms each user is a member of, and which tokens
   * are still valid. Never rejects.
   */
  recheck(): Promise<void> {
    this.#people.resync();
    const number = ++this.#recheckNumber;
    const isReplaced = () => number !== this.#recheckNumber;
    return recheckUsers(this.#users.all, this.#invitations, { ...this.#options, isReplaced });
  }

  #deliverChange(roomId: string, record: string, change: MembershipChange): void {
    const users = this.#users.usersOf(roomId, change);
    for (const user of users) {
      if (!user.isReady) user.keepChange(roomId, change);
      else if (change.isMember) user.join(roomId, change.seq);
    }
    this.#publish(roomId, record);
    if (change.isMember) return;
    for (const user of users) if (user.isReady) user.leave(roomId, change.seq);
  }

  #publish(roomId: string, record: string): void {
    this.#options.publish(roomId, record);
    this.#topicJoins.receive(roomId, record);
  }
}
