import type { RoomsClient } from '../../../shared/client/rooms-client.ts';
import { FrameLog } from './frame-log.ts';
import { Recoveries } from './recoveries.ts';
import { TappedSockets } from './tapped-sockets.ts';

/** What the inspector knows of one client. Make it before the client, which needs `sockets.WebSocket`. */
export class Inspection {
  readonly log = new FrameLog();
  readonly sockets = new TappedSockets(this.log);
  readonly recoveries = new Recoveries(this.log);
  #client: RoomsClient | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Call this with the client when it is made, before it connects. */
  watch(client: RoomsClient): void {
    this.#client = client;
    this.log.positionOf = (roomId) => client.positionOf(roomId);
    client.on('state', ({ to, reason }) => this.log.addState(to, reason));
  }

  /** The rooms of the client, with the seq of the last message that it has. */
  get positions(): { roomId: string; name: string; seq: number | undefined }[] {
    const rooms = this.#client?.rooms ?? new Map();
    return [...rooms].map(([roomId, { name = roomId }]) => ({ roomId, name, seq: this.#client?.positionOf(roomId) }));
  }

  /** Ends the connection, and lets the client connect again after this time. */
  cut(ms: number): void {
    this.sockets.cut();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.mend(), ms);
  }

  mend(): void {
    clearTimeout(this.#timer);
    this.sockets.mend();
    if (this.#client?.state !== 'closed') void this.#client?.connect();
  }
}
