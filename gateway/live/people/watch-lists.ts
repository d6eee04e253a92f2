import { TokenBucket } from '../../edge/token-bucket.ts';
import type { AttachedUser, LiveSocket } from '../attached-user.ts';
import type { Slices } from '../slices.ts';

/** How often a socket may change its list, after some changes at once. A later list waits for its turn. */
const CHANGES_PER_SECOND = 1;
/** A socket with more unsent bytes does not get the state of further rooms yet. */
const MAX_UNSENT_BYTES = 64 * 1024;

interface WatchListsOptions {
  slices: Slices;
  addWatcher(socket: LiveSocket, roomId: string): void;
  removeWatcher(socket: LiveSocket, roomId: string): void;
}

/** The lists of all sockets that watch rooms. Each room of a list is a room of the user. */
export class WatchLists {
  readonly #options: WatchListsOptions;
  readonly #late = new Set<LiveSocket>();

  constructor(options: WatchListsOptions) {
    this.#options = options;
  }

  /** Ignores rooms of which the user is not a member. A socket that changes its list too often waits. */
  set(socket: LiveSocket, roomIds: string[]): void {
    const { attachment } = socket;
    if (!attachment?.isAttached) return;
    attachment.watchList ??= { rooms: new Set(), changes: new TokenBucket(CHANGES_PER_SECOND), wanted: undefined };
    attachment.watchList.wanted = roomIds;
    if (!this.#late.has(socket) && !this.#apply(socket)) this.#late.add(socket);
  }

  /** Call this every second. */
  applyLate(): Promise<void> {
    return this.#options.slices.run(this.#late, (socket) => {
      if (this.#apply(socket)) this.#late.delete(socket);
    });
  }

  /** The user is not a member of the room any more. */
  leaveRoom(user: AttachedUser, roomId: string): void {
    for (const socket of user.sockets) {
      if (socket.attachment?.watchList?.rooms.delete(roomId)) this.#options.removeWatcher(socket, roomId);
    }
  }

  /** The socket has closed. */
  forget(socket: LiveSocket): void {
    this.#late.delete(socket);
    for (const roomId of socket.attachment?.watchList?.rooms ?? []) this.#options.removeWatcher(socket, roomId);
  }

  /** @returns false if the list must wait */
  #apply(socket: LiveSocket): boolean {
    const { attachment } = socket;
    const list = attachment?.watchList;
    if (!list?.wanted) return true;
    if (socket.unsentBytes > MAX_UNSENT_BYTES || !list.changes.take()) return false;
    const wanted = new Set(list.wanted.filter((roomId) => attachment?.user.rooms.has(roomId)));
    list.wanted = undefined;
    socket.cork(() => {
      for (const roomId of list.rooms) {
        if (wanted.has(roomId)) continue;
        list.rooms.delete(roomId);
        this.#options.removeWatcher(socket, roomId);
      }
      for (const roomId of wanted) {
        if (list.rooms.has(roomId)) continue;
        list.rooms.add(roomId);
        this.#options.addWatcher(socket, roomId);
      }
    });
    return true;
  }
}
