import type { MembershipChange } from '../../shared/contract/messages.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { AttachedUser, type LiveSocket, type SocketAttachment } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { People } from './people/people.ts';
import type { Presence } from './presence.ts';
import type { Slices } from './slices.ts';

export interface AttachedUsersOptions {
  feeds: Feeds;
  presence: Presence;
  people: People;
}

/** The users who have a socket on this gateway, also a socket that still attaches. */
export class AttachedUsers {
  isClosed = false;
  readonly #options: AttachedUsersOptions;
  readonly #slices: Slices;
  readonly #users = new Map<string, AttachedUser>();
  #socketCount = 0;

  constructor(options: AttachedUsersOptions, slices: Slices) {
    this.#options = options;
    this.#slices = slices;
  }

  get counts(): { users: number; sockets: number } {
    return { users: this.#users.size, sockets: this.#socketCount };
  }

  get all(): AttachedUser[] {
    return [...this.#users.values()];
  }

  get(userId: string): AttachedUser | undefined {
    return this.#users.get(userId);
  }

  /**
   * Returns the user of the change, if the user is on this gateway. For a deleted room: its members on this gateway,
   * and every user whose memberships are not read yet, because that user may be a member.
   */
  usersOf(roomId: string, { userId }: MembershipChange): AttachedUser[] {
    if (userId !== 'everyone') {
      const user = this.#users.get(userId);
      return user ? [user] : [];
    }
    return this.all.filter(
      ({ isReady, rooms, joiningRooms }) => !isReady || rooms.has(roomId) || joiningRooms.has(roomId),
    );
  }

  /** Others see from now on that the user is online. */
  enter(user: AttachedUser): void {
    this.#options.presence.enter(user.id);
    this.#options.people.enter(user);
  }

  addSocket(socket: LiveSocket, bearer: Bearer): SocketAttachment {
    const user = this.#users.get(bearer.userId) ?? this.#addUser(bearer.userId);
    const attachment = { user, bearer, isAttached: false, gradual: undefined, resumption: undefined };
    socket.attachment = attachment;
    user.sockets.add(socket);
    this.#socketCount++;
    return attachment;
  }

  /** With the last socket of a user, the user goes too. Does nothing if the socket is not known. */
  deleteSocket(socket: LiveSocket): void {
    const user = socket.attachment?.user;
    if (!user?.sockets.delete(socket)) return;
    this.#socketCount--;
    this.#options.people.forget(socket);
    socket.attachment = undefined;
    if (user.sockets.size === 0) this.#deleteUser(user);
  }

  /** Forgets all users and their sockets. */
  close(): void {
    this.isClosed = true;
    for (const user of this.#users.values()) {
      user.closed = true;
      this.#options.presence.leave(user.id);
      for (const socket of user.sockets) socket.attachment = undefined;
    }
    this.#users.clear();
    this.#socketCount = 0;
  }

  #addUser(userId: string): AttachedUser {
    const user = new AttachedUser(userId, this.#options.feeds, this.#options.people);
    this.#users.set(userId, user);
    return user;
  }

  #deleteUser(user: AttachedUser): void {
    const { presence, people, feeds } = this.#options;
    user.closed = true;
    this.#users.delete(user.id);
    presence.leave(user.id);
    people.leave(user);
    void this.#slices.run(user.rooms, (roomId) => {
      user.rooms.delete(roomId);
      feeds.release(roomId);
    });
  }
}
