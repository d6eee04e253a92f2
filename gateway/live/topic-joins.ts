import type { RoomHead } from '../../shared/contract/frames.ts';
import type { LiveSocket, SocketAttachment } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import { GradualAttach } from './gradual-attach.ts';
import type { Slices } from './slices.ts';

/** A socket joins more topics than this in slices. */
const MAX_TOPICS_AT_ONCE = 500;

/** Sends the `Welcome` to a socket, and joins it to the topics of all rooms of its user. */
export class TopicJoins {
  readonly #feeds: Feeds;
  readonly #slices: Slices;
  readonly #gradual = new Set<GradualAttach>();

  constructor(feeds: Feeds, slices: Slices) {
    this.#feeds = feeds;
    this.#slices = slices;
  }

  /** Returns after the `Welcome`. The socket then gets every message, although it may still join topics. */
  async joinAll(socket: LiveSocket, attachment: SocketAttachment, welcome: (rooms: RoomHead[]) => void): Promise<void> {
    if (attachment.user.rooms.size > MAX_TOPICS_AT_ONCE) return this.#joinGradually(socket, attachment, welcome);
    const { rooms } = attachment.user;
    attachment.isAttached = true;
    welcome(Array.from(rooms, (id) => ({ id, seq: this.#feeds.progressOf(id)?.deliveredSeq ?? 0 })));
    for (const roomId of rooms) socket.join(roomId);
  }

  /** Call this for each message that is published to a topic. */
  receive(roomId: string, record: string): void {
    for (const gradual of this.#gradual) gradual.receive(roomId, record);
  }

  #joinGradually(
    socket: LiveSocket,
    attachment: SocketAttachment,
    welcome: (rooms: RoomHead[]) => void,
  ): Promise<void> {
    const gradual = new GradualAttach(attachment.user, socket);
    attachment.gradual = gradual;
    this.#gradual.add(gradual);
    return new Promise((resolve, reject) => {
      const run = gradual.run(this.#feeds, this.#slices, (heads) => {
        attachment.isAttached = true;
        welcome(heads);
        resolve();
      });
      const end = () => {
        this.#gradual.delete(gradual);
        attachment.gradual = undefined;
      };
      run.finally(end).then(resolve, reject);
    });
  }
}
