import type { AttachedUser } from '../attached-user.ts';
import type { Slices } from '../slices.ts';
import type { TrackedRoom } from './tracked-room.ts';

/** Between two scans. So a client that watches always new rooms does not keep the event loop busy with scans. */
const PAUSE_MS = 200;

/**
 * Finds the members of new tracked rooms among the users of this gateway. One scan serves all rooms that wait for it.
 * Users who come or go during a scan change the rooms directly.
 */
export class MemberScan {
  readonly #slices: Slices;
  readonly #users: () => Iterable<AttachedUser>;
  readonly #onRead: (room: TrackedRoom) => void;
  #waiting = new Map<string, TrackedRoom>();
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param onRead called once for each room, when its members are found */
  constructor(slices: Slices, users: () => Iterable<AttachedUser>, onRead: (room: TrackedRoom) => void) {
    this.#slices = slices;
    this.#users = users;
    this.#onRead = onRead;
  }

  add(room: TrackedRoom): void {
    this.#waiting.set(room.id, room);
    if (this.#isRunning) return;
    this.#isRunning = true;
    // All rooms of this turn of the event loop share the scan.
    setImmediate(() => void this.#run());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  async #run(): Promise<void> {
    const rooms = this.#waiting;
    this.#waiting = new Map();
    await this.#slices.run(this.#users(), (user) => {
      if (user.isPresent) for (const room of roomsOf(user, rooms)) room.enter(user.id);
    });
    for (const room of rooms.values()) this.#onRead(room);
    this.#timer = setTimeout(() => {
      this.#isRunning = false;
      const [next] = this.#waiting.values();
      if (next) this.add(next);
    }, PAUSE_MS).unref();
  }
}

/** Looks at the shorter list, because a user can have very many rooms. */
export function* roomsOf(user: AttachedUser, rooms: ReadonlyMap<string, TrackedRoom>): Iterable<TrackedRoom> {
  if (rooms.size < user.rooms.size) {
    for (const [roomId, room] of rooms) if (user.rooms.has(roomId)) yield room;
    return;
  }
  for (const roomId of user.rooms) {
    const room = rooms.get(roomId);
    if (room) yield room;
  }
}
