import type { Revocation } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Feeds } from './feeds.ts';
import type { ChannelHandler } from './subscriber.ts';

/** A socket that is safe to use after it has closed: every call is then a no-op. */
export interface LiveSocket {
  readonly closed: boolean;
  /** From now on the socket gets what is published on this topic. */
  join(topic: string): void;
  leave(topic: string): void;
  send(frame: string): void;
  /** Sends the reason and closes the socket. */
  closeWithError(refusal: Refusal): void;
}

/** A user with a socket on this gateway. Keeps the attached sockets on the topics of the user's rooms. */
export class AttachedUser {
  readonly id: string;
  /** Sockets that wait for the memberships or the check of their token. They are on no topic. */
  readonly attaching = new Map<LiveSocket, Bearer>();
  /** Sockets on the topics of all rooms of the user. */
  readonly attached = new Map<LiveSocket, Bearer>();
  readonly rooms = new Set<string>();
  /** False until the memberships are read. Until then, changes go to `earlyChanges`. */
  isReady = false;
  /** True when the last socket has closed. */
  closed = false;
  /** The last change of each room that came before the memberships were read. */
  readonly earlyChanges = new Map<string, MembershipChange>();
  /** Rooms with a replay in progress. The sockets join when the replay ends. */
  readonly joiningRooms = new Set<string>();
  /** For each room that the user left: the seq of the message that removed them. */
  readonly leftAt = new Map<string, number>();
  /** False if there is no such user. `RoomSubscriptions` sets it at once. */
  loaded: Promise<boolean> = Promise.resolve(false);
  readonly receiveNotice: ChannelHandler;
  readonly #feeds: Feeds;

  constructor(id: string, feeds: Feeds, receiveNotice: (user: AttachedUser, payload: string) => void) {
    this.id = id;
    this.#feeds = feeds;
    this.receiveNotice = (payload) => receiveNotice(this, payload);
  }

  get hasSockets(): boolean {
    return this.attaching.size + this.attached.size > 0;
  }

  /** Attaching and attached sockets, with their bearers. */
  *sockets(): Iterable<[LiveSocket, Bearer]> {
    yield* this.attaching;
    yield* this.attached;
  }

  /** The feed of the room must be retained by the caller during this call. */
  join(roomId: string): void {
    if (this.rooms.has(roomId)) return;
    this.rooms.add(roomId);
    void this.#feeds.retain(roomId);
    for (const socket of this.attached.keys()) socket.join(roomId);
  }

  /** @param seq of the message that removed the user */
  leave(roomId: string, seq: number): void {
    this.leftAt.set(roomId, seq);
    if (!this.rooms.delete(roomId)) return;
    for (const socket of this.attached.keys()) socket.leave(roomId);
    this.#feeds.release(roomId);
  }

  closeRevokedSockets(revocation: Revocation): void {
    for (const [socket, { tokenId, version }] of this.sockets()) {
      const isRevoked = 'tokenId' in revocation ? tokenId === revocation.tokenId : version < revocation.version;
      if (isRevoked) socket.closeWithError(new Refusal('token_revoked'));
    }
  }

  /** Call it when the last socket has closed. */
  close(): void {
    this.closed = true;
    for (const roomId of this.rooms) this.#feeds.release(roomId);
    this.rooms.clear();
  }
}
