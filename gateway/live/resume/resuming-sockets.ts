import { Refusal } from '../../../shared/contract/errors.ts';
import type { Bearer } from '../../accounts/tokens.ts';
import { BEFORE_ALL_ROOMS } from '../../reads/attachment-reads.ts';
import type { AttachedUser, LiveSocket, SocketAttachment } from '../attached-user.ts';
import type { AttachedUsers } from '../attached-users.ts';
import type { FirstReads } from '../first-reads.ts';
import type { Invitations } from '../invitations.ts';
import type { Slices } from '../slices.ts';
import { HeadReports } from './head-reports.ts';
import { Replays, type ReplaysOptions } from './replays.ts';
import { Resumption, type SendWelcome, WelcomeParts } from './resumption.ts';
import type { ResumeRequest } from './room-plan.ts';
import { type WelcomeOptions, welcomeRooms } from './welcome-rooms.ts';

export interface ResumingSocketsOptions extends ReplaysOptions {
  reads: ReplaysOptions['reads'] & WelcomeOptions['reads'];
}

/** The other parts of RoomSubscriptions that a socket needs to resume. */
interface Parts {
  users: AttachedUsers;
  firstReads: FirstReads;
  invitations: Invitations;
  slices: Slices;
}

/** Attaches the sockets that resume. Each gets its `Welcome`, what it has missed, and then a report of heads now and then. */
export class ResumingSockets {
  readonly #options: ResumingSocketsOptions;
  readonly #parts: Parts;
  readonly #replays: Replays;
  readonly #headReports: HeadReports;

  constructor(options: ResumingSocketsOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#replays = new Replays(options, parts.invitations, parts.slices);
    this.#headReports = new HeadReports(options.feeds);
  }

  /** See `LiveRooms.attachResuming`. */
  async attach(socket: LiveSocket, bearer: Bearer, request: ResumeRequest, welcome: SendWelcome): Promise<void> {
    const { users, invitations } = this.#parts;
    const isKnown = users.get(bearer.userId) !== undefined;
    const attachment = users.addSocket(socket, bearer);
    const { user } = attachment;
    const resumption = new Resumption(user, socket);
    attachment.resumption = resumption;
    const parts = new WelcomeParts(resumption, request, welcome);
    const roomsAfter = await (isKnown ? this.#waitForUser(user) : this.#loadAndWelcome(user, bearer, parts));
    await welcomeRooms(resumption, parts, roomsAfter, { ...this.#options, invitations, bearer });
    // From here to the end, everything happens in one tick.
    users.enter(user);
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

  /** Does nothing if the socket does not resume. */
  delete(socket: LiveSocket): void {
    this.#headReports.delete(socket);
  }

  close(): void {
    this.#headReports.close();
  }

  #startReplay(socket: LiveSocket, attachment: SocketAttachment, request: ResumeRequest): void {
    const resumption = new Resumption(attachment.user, socket);
    resumption.endAttach();
    resumption.request(request);
    attachment.resumption = resumption;
    void this.#replays.run(resumption);
  }

  /** @returns the id before all rooms, because the socket must read its rooms itself */
  async #waitForUser(user: AttachedUser): Promise<string> {
    await this.#parts.firstReads.waitForUser(user);
    return BEFORE_ALL_ROOMS;
  }

  /**
   * The first page of rooms is read for the user and for the socket, so that a user of very many rooms gets a `Welcome`
   * soon. The socket reads the other pages itself: the user must not wait for a slow socket.
   * @returns the id after which the next page begins
   */
  async #loadAndWelcome(user: AttachedUser, bearer: Bearer, parts: WelcomeParts): Promise<string | undefined> {
    let roomsAfter: string | undefined;
    const isTokenValid = await this.#parts.firstReads.loadUser(user, bearer, (page) => {
      if (page.isTokenValid) parts.add(page.rooms);
      roomsAfter = page.nextAfter;
    });
    if (!isTokenValid) throw new Refusal('token_revoked');
    return roomsAfter;
  }
}
