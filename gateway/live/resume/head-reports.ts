import type { LiveSocket } from '../attached-user.ts';
import { encodeHeads } from '../encode-frames.ts';
import type { Feeds } from '../feeds/feeds.ts';

/** Each socket gets its heads once in this time. */
const REPORT_EVERY_MS = 25_000;
/** Each turn reports to a part of the sockets. */
const TURN_MS = 500;
const MAX_ROOMS_OF_REPORT = 300;

/**
 * Sends each socket that resumes how far its rooms are (the frame `Heads`). So its client notices a lost last message,
 * and a connection that has died: browsers cannot see pings.
 */
export class HeadReports {
  readonly #feeds: Pick<Feeds, 'progressOf'>;
  readonly #sockets = new Set<LiveSocket>();
  readonly #timer = setInterval(() => this.report(), TURN_MS).unref();
  #rest: Iterator<LiveSocket> = this.#sockets.values();
  /** The reports that are due. */
  #due = 0;
  /** Counts the rounds over all sockets: a socket with very many rooms gets other rooms in each round. */
  #round = 0;

  constructor(feeds: Pick<Feeds, 'progressOf'>) {
    this.#feeds = feeds;
  }

  add(socket: LiveSocket): void {
    this.#sockets.add(socket);
  }

  delete(socket: LiveSocket): void {
    this.#sockets.delete(socket);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Sends the reports that are due after one turn. */
  report(): void {
    const { size } = this.#sockets;
    this.#due = Math.min(size, this.#due + (size * TURN_MS) / REPORT_EVERY_MS);
    for (; this.#due >= 1; this.#due--) this.#reportTo(this.#nextSocket());
  }

  #nextSocket(): LiveSocket | undefined {
    const next = this.#rest.next();
    if (!next.done) return next.value;
    this.#round++;
    this.#rest = this.#sockets.values();
    return this.#rest.next().value;
  }

  /** In the tick of the report, a live room of the socket has sent everything up to the head of its feed. */
  #reportTo(socket: LiveSocket | undefined): void {
    const { user, resumption } = socket?.attachment ?? {};
    if (!socket || !user) return;
    const first = (this.#round % Math.max(1, Math.ceil(user.rooms.size / MAX_ROOMS_OF_REPORT))) * MAX_ROOMS_OF_REPORT;
    const heads: Record<string, number> = {};
    let index = 0;
    for (const roomId of user.rooms) {
      if (index >= first + MAX_ROOMS_OF_REPORT) break;
      const head = index++ < first || resumption?.pending.has(roomId) ? undefined : this.#feeds.progressOf(roomId);
      if (head) heads[roomId] = head.deliveredSeq;
    }
    socket.send(encodeHeads(heads));
  }
}
