import { Refusal } from '../../../shared/contract/errors.ts';
import type { RoomHead } from '../../../shared/contract/frames.ts';
import { limits } from '../../../shared/contract/limits.ts';
import type { Membership } from '../../reads/session-reads.ts';
import type { AttachedUser, LiveSocket, OwnChange } from '../attached-user.ts';
import { applyChange, foreignRoom, memberRoom, type PendingRoom, unreadRoom } from './pending-room.ts';
import type { ResumePoint, ResumeRequest } from './room-plan.ts';

/** A replay waits while the socket has more unsent bytes. A socket is closed with four times as many. */
const MAX_UNSENT_BYTES = 256 * 1024;
/** A `Welcome` has at most this number of rooms. */
const MAX_ROOMS_OF_WELCOME = 200;

/** @param more true if another part follows */
export type SendWelcome = (rooms: RoomHead[], more: boolean) => void;

/**
 * What a socket still waits for, room by room. It exists while the socket attaches, and later while messages are
 * replayed (replays.ts). While a room is pending, the socket is not in its topic.
 */
export class Resumption {
  readonly user: AttachedUser;
  readonly socket: LiveSocket;
  readonly pending = new Map<string, PendingRoom>();
  /** The rooms in `user.rooms` that the user has left, by a read. Empty when the socket is attached. */
  readonly absentRooms = new Set<string>();
  most: number = limits.MAX_REPLAYED_MESSAGES;
  /** The changes of rooms that are not pending yet, while the socket attaches. */
  #changes: Map<string, OwnChange> | undefined = new Map();

  constructor(user: AttachedUser, socket: LiveSocket) {
    this.user = user;
    this.socket = socket;
  }

  /** False if the socket has closed, or if the gateway has forgotten its users. */
  get isOpen(): boolean {
    return !this.socket.closed && !this.user.closed && this.socket.attachment?.resumption === this;
  }

  /** True if the client must read before it gets more. */
  get mustWait(): boolean {
    return this.socket.unsentBytes > MAX_UNSENT_BYTES;
  }

  /** Waits until the client has read most of what was sent, so that a replay never closes the socket of a slow client. */
  waitForClient(): Promise<void> {
    return this.socket.waitForUnsent(MAX_UNSENT_BYTES);
  }

  /** Call this when all rooms of the user are pending. */
  endAttach(): void {
    this.#changes = undefined;
    this.absentRooms.clear();
  }

  /** Call this when the user joins or leaves a room. The socket stays out of the topic of a pending room. */
  receiveChange(roomId: string, change: OwnChange): void {
    const room = this.pending.get(roomId);
    if (room) applyChange(room, change);
    else this.#changes?.set(roomId, change);
    if (change.isMember) this.absentRooms.delete(roomId);
  }

  addMember(point: ResumePoint, membership: Membership): void {
    const room = memberRoom(point, membership);
    const change = this.#changes?.get(membership.roomId);
    if (change) applyChange(room, change);
    this.pending.set(membership.roomId, room);
  }

  addForeign(roomId: string, point: ResumePoint): void {
    this.pending.set(roomId, foreignRoom(point));
  }

  /** For a socket that is attached. @throws Refusal `busy` if too many rooms wait already */
  request({ positions, isSameEpoch, most }: ResumeRequest): void {
    if (this.pending.size + positions.size > limits.MAX_RESUMED_ROOMS) throw new Refusal('busy');
    this.most = most;
    for (const [roomId, position] of positions) {
      const point = { position, isSameEpoch, most };
      this.socket.leave(roomId);
      this.pending.set(roomId, this.user.rooms.has(roomId) ? unreadRoom(point) : foreignRoom(point));
    }
  }
}

/** Sends the `Welcome` of a socket that attaches, part by part, and makes all rooms of the client pending. */
export class WelcomeParts {
  readonly #resumption: Resumption;
  readonly #request: ResumeRequest;
  readonly #send: SendWelcome;
  #unsent: RoomHead[] = [];

  constructor(resumption: Resumption, request: ResumeRequest, send: SendWelcome) {
    this.#resumption = resumption;
    this.#request = request;
    this.#send = send;
    resumption.most = request.most;
  }

  /**
   * Returns some of the user's rooms that are not read yet. They count as left until their memberships are added, or until
   * the user joins them.
   */
  takeUnread(count: number): string[] {
    const { user, pending, absentRooms } = this.#resumption;
    const unread = [...user.rooms].filter((roomId) => !pending.has(roomId) && !absentRooms.has(roomId));
    const taken = unread.slice(0, count);
    for (const roomId of taken) absentRooms.add(roomId);
    return taken;
  }

  add(memberships: Membership[]): void {
    for (const membership of memberships) this.#add(membership);
    while (this.#unsent.length > MAX_ROOMS_OF_WELCOME) this.#send(this.#unsent.splice(0, MAX_ROOMS_OF_WELCOME), true);
  }

  /** Sends the last part. The other rooms that the client listed are not rooms of the user. */
  finish(): void {
    this.#send(this.#unsent, false);
    for (const [roomId, position] of this.#request.positions)
      this.#resumption.addForeign(roomId, { ...this.#request, position });
    this.#resumption.endAttach();
  }

  #add(membership: Membership): void {
    const { roomId: id, seq: since, head: seq, name, roomType, read, unread, mentions } = membership;
    const { positions, isSameEpoch, most } = this.#request;
    this.#resumption.absentRooms.delete(id);
    this.#resumption.addMember({ position: positions.get(id), isSameEpoch, most }, membership);
    positions.delete(id);
    this.#unsent.push({ id, seq, name, roomType, since, read, unread, mentions });
  }
}
