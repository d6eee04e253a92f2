import { Refusal } from '../../shared/contract/errors.ts';
import type { RoomHead } from '../../shared/contract/frames.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { AttachedUser, LiveSocket } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import type { Slices } from './slices.ts';

/**
 * Attaches a socket to very many rooms without stopping the event loop. First it collects the heads of all rooms for the
 * `Welcome`. Messages of a collected room are held until then. After the `Welcome`, the socket joins the topics. Messages
 * of a room whose topic it has not joined yet are sent to it one by one. So each message comes once and in order.
 */
export class GradualAttach {
  readonly user: AttachedUser;
  readonly #socket: LiveSocket;
  /** The rooms whose head is collected and whose topic the socket has not joined yet. */
  readonly #rooms = new Set<string>();
  readonly #held: string[] = [];
  #heldCharacters = 0;
  #isWelcome = false;

  constructor(user: AttachedUser, socket: LiveSocket) {
    this.user = user;
    this.#socket = socket;
  }

  /** @param welcome called once, if the socket is still open. From then on, the socket gets every later message. */
  async run(feeds: Feeds, slices: Slices, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    const heads: RoomHead[] = [];
    await slices.run(this.user.rooms, (id) => {
      if (!this.#rooms.has(id)) heads.push({ id, seq: feeds.progressOf(id)?.deliveredSeq ?? 0 });
      this.#rooms.add(id);
    });
    if (this.#socket.closed) return;
    welcome(heads);
    this.#isWelcome = true;
    for (const record of this.#held.splice(0)) this.#socket.send(record);
    for (const roomId of this.#rooms) if (!this.user.rooms.has(roomId)) this.#rooms.delete(roomId);
    await slices.run(this.#rooms, (roomId) => {
      this.#rooms.delete(roomId);
      if (this.user.rooms.has(roomId)) this.#socket.join(roomId);
    });
  }

  /** Call this for each message that is published to a topic. */
  receive(roomId: string, record: string): void {
    if (!this.#rooms.has(roomId) || !this.user.rooms.has(roomId)) return;
    if (this.#isWelcome) this.#socket.send(record);
    else this.#hold(record);
  }

  /** Call this when the user has left a room after the `Welcome`. If the user joins again, the topic is joined at once. */
  leave(roomId: string): void {
    this.#rooms.delete(roomId);
  }

  /** A socket with more unsent bytes would be closed after the `Welcome` too. */
  #hold(record: string): void {
    if (this.#socket.closed) return;
    this.#held.push(record);
    this.#heldCharacters += record.length;
    if (this.#heldCharacters <= limits.MAX_UNSENT_BYTES) return;
    this.#held.length = 0;
    this.#socket.closeWithError(new Refusal('unavailable'));
  }
}
