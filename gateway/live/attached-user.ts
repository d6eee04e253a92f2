import type { Revocation } from '../../shared/contract/channels.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Feeds } from './feeds.ts';
import type { ChannelHandler } from './subscriber.ts';

/** A socket. After the socket has closed, every call does nothing. */
export interface LiveSocket {
  readonly closed: boolean;
  /** Subscribes the socket to a topic: the socket then gets every frame that is published to the topic. */
  join(topic: string): void;
  leave(topic: string): void;
  send(frame: string): void;
  /** Sends the refusal as an `Error` frame, and closes the socket. */
  closeWithError(refusal: Refusal): void;
}

/**
 * A user with at least one socket on this gateway. Keeps the attached sockets subscribed to the topics of the user's
 * rooms. The topic of a room is its id.
 */
export class AttachedUser {
  readonly id: string;
  /** Sockets that wait for the memberships or for the check of their token. These sockets have no topics yet. */
  readonly attaching = new Map<LiveSocket, Bearer>();
  /** Sockets that are subscribed to the topics of all rooms of the user. */
  readonly attached = new Map<LiveSocket, Bearer>();
  readonly rooms = new Set<string>();
  /** False until the memberships are read. Until then, changes go to `changesBeforeReady`. */
  isReady = false;
  /** True when the last socket has closed. */
  closed = false;
  /** The last change of each room that arrived before the memberships were read. */
  readonly changesBeforeReady = new Map<string, MembershipChange>();
  /** Rooms of which the user gets a replay (invitations.ts). The sockets join the topic at the end of the replay. */
  readonly joiningRooms = new Set<string>();
  /** The seq of the message that removed the user, for each room that the user left. */
  readonly leftAt = new Map<string, number>();
  /** Resolves when the memberships are read: to false if the user does not exist. Set right after the constructor. */
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

  /** Returns all sockets, attaching and attached, with their bearers. */
  *sockets(): Iterable<[LiveSocket, Bearer]> {
    yield* this.attaching;
    yield* this.attached;
  }

  /** Adds a room, and subscribes the attached sockets to it. The caller must retain the feed of the room meanwhile. */
  join(roomId: string): void {
    if (this.rooms.has(roomId)) return;
    this.rooms.add(roomId);
    void this.#feeds.retain(roomId);
    for (const socket of this.attached.keys()) socket.join(roomId);
  }

  /** Removes a room, and unsubscribes the attached sockets. @param seq the seq of the message that removed the user */
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

  /** Call this when the last socket has closed. */
  close(): void {
    this.closed = true;
    for (const roomId of this.rooms) this.#feeds.release(roomId);
    this.rooms.clear();
  }
}
