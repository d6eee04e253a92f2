import type { Revocation } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { RoomCounts } from '../../shared/contract/read-marks.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { TokenBucket } from '../edge/token-bucket.ts';
import { encodeRead } from './encode-frames.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { ResumeRequest } from './resume/room-plan.ts';
import { SmallSet } from './small-set.ts';

/** A membership change of a user, without the id of this user. */
export type OwnChange = Omit<MembershipChange, 'userId'>;

/** A socket. After the socket has closed, every call does nothing. */
export interface LiveSocket {
  readonly closed: boolean;
  /** True if the socket uses the subprotocol `rooms.v1`. */
  readonly isV1: boolean;
  /** AttachedUsers sets this while it knows the socket. */
  attachment: SocketAttachment | undefined;
  /** Subscribes the socket to a topic: the socket then gets every frame that is published to the topic. */
  join(topic: string): void;
  leave(topic: string): void;
  send(frame: string): void;
  readonly unsentBytes: number;
  /** Sends the frames with one write. */
  sendTogether(frames: string[]): void;
  /** Sends everything with one write that the function sends. */
  cork(send: () => void): void;
  /** Resolves when at most this number of bytes is unsent, or when the socket has closed. */
  waitForUnsent(maxBytes: number): Promise<void>;
  /** Sends the refusal as an `Error` frame, and closes the socket. */
  closeWithError(refusal: Refusal): void;
}

/** A socket of an {@link AttachedUser}. */
export interface SocketAttachment {
  readonly user: AttachedUser;
  readonly bearer: Bearer;
  /** False while the socket waits for the rooms of its user or for the check of its token. It then has no topics. */
  isAttached: boolean;
  /** Set while the socket joins very many topics (gradual-attach.ts). */
  gradual: { leave(roomId: string): void } | undefined;
  /** Set while the socket resumes. */
  resumption: SocketResumption | undefined;
  /** Set when the socket has watched rooms (people/). */
  watchList?: WatchList;
}

/** The rooms of which a socket still gets missed messages (resume/resumption.ts). It is in no topic of these rooms. */
interface SocketResumption {
  readonly pending: ReadonlyMap<string, unknown>;
  receiveChange(roomId: string, change: OwnChange): void;
  request(request: ResumeRequest): void;
}

/** The rooms that one socket watches (people/). */
interface WatchList {
  readonly rooms: Set<string>;
  /** How often the client may change the list. */
  readonly changes: TokenBucket;
  /** The last list of the client. Undefined if it is the list in `rooms`. */
  wanted: string[] | undefined;
}

/** Follows the rooms of the users. It is called in the tick in which the sockets join or leave the topic. */
interface MembershipListener {
  joinRoom(user: AttachedUser, roomId: string): void;
  leaveRoom(user: AttachedUser, roomId: string): void;
}

/** A user who leaves more rooms than this is forgotten in the oldest ones. A late invitation then reads the rooms again. */
const MAX_LEFT_ROOMS = 1_000;

// Most users share these values, because a gateway has very many users.
const LOADED = Promise.resolve();
const NO_CHANGES: ReadonlyMap<string, MembershipChange> = new Map();
const NO_ROOMS: ReadonlySet<string> = new Set();
const NO_SEQS: ReadonlyMap<string, number> = new Map();

/**
 * A user with at least one socket on this gateway. Keeps the attached sockets subscribed to the topics of the user's
 * rooms. The topic of a room is its id.
 */
export class AttachedUser {
  readonly id: string;
  readonly sockets = new SmallSet<LiveSocket>();
  readonly rooms = new SmallSet<string>();
  /** Resolves when all rooms are read. Set right after the constructor. */
  loaded = LOADED;
  /** False until all rooms are read. Until then, changes go to `changesBeforeReady`. */
  isReady = false;
  /** True when the last socket has closed. */
  closed = false;
  /** True while the user has a socket that is or was attached: others see that the user is online. */
  isPresent = false;
  /** Counts the frames of all sockets. So a user may not send more frames over many sockets than over one. */
  frameBucket: TokenBucket | undefined;
  #changesBeforeReady: Map<string, MembershipChange> | undefined;
  #joiningRooms: Set<string> | undefined;
  #leftAt: Map<string, number> | undefined;
  readonly #feeds: Feeds;
  readonly #people: MembershipListener;

  constructor(id: string, feeds: Feeds, people: MembershipListener) {
    this.id = id;
    this.#feeds = feeds;
    this.#people = people;
  }

  /** The last change of each room that arrived before all rooms were read. */
  get changesBeforeReady(): ReadonlyMap<string, MembershipChange> {
    return this.#changesBeforeReady ?? NO_CHANGES;
  }

  /** Rooms of which the user gets a replay (invitations.ts). The sockets join the topic at the end of the replay. */
  get joiningRooms(): ReadonlySet<string> {
    return this.#joiningRooms ?? NO_ROOMS;
  }

  /** The seq of the message that removed the user, for each of the last rooms that the user left. */
  get leftAt(): ReadonlyMap<string, number> {
    return this.#leftAt ?? NO_SEQS;
  }

  keepChange(roomId: string, change: MembershipChange): void {
    this.#changesBeforeReady ??= new Map();
    this.#changesBeforeReady.set(roomId, change);
  }

  /** Forgets the kept change of a room if it is not newer than the head of the room that was read. */
  forgetChangeUpTo(roomId: string, head: number): void {
    const change = this.#changesBeforeReady?.get(roomId);
    if (change && change.seq <= head) this.#changesBeforeReady?.delete(roomId);
  }

  beginJoining(roomId: string): void {
    this.#joiningRooms ??= new Set();
    this.#joiningRooms.add(roomId);
  }

  endJoining(roomId: string): void {
    this.#joiningRooms?.delete(roomId);
    if (this.#joiningRooms?.size === 0) this.#joiningRooms = undefined;
  }

  /** Returns the attached sockets, without those that get a replay of this room. */
  *socketsIn(roomId: string): Iterable<LiveSocket> {
    for (const socket of this.sockets) {
      const { isAttached, resumption } = socket.attachment ?? {};
      if (isAttached && !resumption?.pending.has(roomId)) yield socket;
    }
  }

  /** Call this when all rooms are in `rooms` and all changes that arrived before are applied. */
  markLoaded(): void {
    this.#changesBeforeReady = undefined;
    this.loaded = LOADED;
  }

  /** Adds a room that was read, before the user has an attached socket. */
  addRoom(roomId: string): void {
    if (!this.rooms.has(roomId)) this.rooms.add(this.#feeds.retainId(roomId));
  }

  /**
   * Adds a room, and subscribes the attached sockets to it. The caller must retain the feed of the room meanwhile.
   * @param seq the seq of the message that added the user
   */
  join(roomId: string, seq: number): void {
    this.#tellResumptions(roomId, { seq, isMember: true });
    if (this.rooms.has(roomId)) return;
    this.addRoom(roomId);
    this.#people.joinRoom(this, roomId);
    for (const socket of this.socketsIn(roomId)) socket.join(roomId);
  }

  /** Removes a room, and unsubscribes the attached sockets. @param seq the seq of the message that removed the user */
  leave(roomId: string, seq: number): void {
    this.#keepLeftAt(roomId, seq);
    this.#tellResumptions(roomId, { seq, isMember: false });
    if (!this.rooms.delete(roomId)) return;
    this.#people.leaveRoom(this, roomId);
    for (const socket of this.socketsIn(roomId)) {
      socket.leave(roomId);
      socket.attachment?.gradual?.leave(roomId);
    }
    this.#feeds.release(roomId);
  }

  #tellResumptions(roomId: string, change: OwnChange): void {
    for (const { attachment } of this.sockets) attachment?.resumption?.receiveChange(roomId, change);
  }

  #keepLeftAt(roomId: string, seq: number): void {
    this.#leftAt ??= new Map();
    this.#leftAt.delete(roomId); // The newest room comes last.
    this.#leftAt.set(roomId, seq);
    if (this.#leftAt.size <= MAX_LEFT_ROOMS) return;
    for (const oldest of this.#leftAt.keys()) {
      // A replay in progress needs its entry.
      if (!this.joiningRooms.has(oldest)) {
        this.#leftAt.delete(oldest);
        return;
      }
    }
  }

  /** Sends the attached sockets how far the user has read. */
  sendRead(counts: RoomCounts): void {
    if (!this.rooms.has(counts.roomId)) return;
    const frame = encodeRead(counts);
    for (const socket of this.sockets) if (socket.isV1 && socket.attachment?.isAttached) socket.send(frame);
  }

  closeRevokedSockets(revocation: Revocation): void {
    for (const socket of this.sockets) {
      const bearer = socket.attachment?.bearer;
      if (bearer && isRevoked(bearer, revocation)) socket.closeWithError(new Refusal('token_revoked'));
    }
  }
}

function isRevoked({ tokenId, version }: Bearer, revocation: Revocation): boolean {
  return 'tokenId' in revocation ? tokenId === revocation.tokenId : version < revocation.version;
}
