import { once } from 'node:events';
import { WebSocket } from 'ws';

/** What a member's socket got of its room. */
interface Delivery {
  seq: number;
  ref: string;
}

/** Told what a socket gets, as it gets it. */
export interface Ears {
  acked: (ref: string, seq: number) => void;
  delivered: (ref: string) => void;
  refused: (ref: string | undefined, code: string) => void;
}

/** A user with one socket, in one room (and in the rooms that are for everyone). */
export class Member {
  readonly roomId: string;
  /** In the order of their coming. */
  readonly deliveries: Delivery[] = [];
  closed?: number;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket, roomId: string) {
    this.#socket = socket;
    this.roomId = roomId;
  }

  /** Resolves when the socket is on its rooms' topics. */
  static async connect(url: string, token: string, roomId: string, ears: Ears): Promise<Member> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, ['rooms.v1'], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const member = new Member(socket, roomId);
    const welcomed = once(socket, 'message');
    socket.once('message', () => {
      socket.on('message', (data) => member.#hear(JSON.parse(data.toString()), ears));
    });
    socket.on('close', (code) => {
      member.closed = code;
    });
    await welcomed;
    return member;
  }

  say(text: string, ref: string): void {
    this.#socket.send(JSON.stringify({ command: 'CreateMessage', roomId: this.roomId, text, ref }));
  }

  close(): void {
    this.#socket.close();
  }

  #hear(frame: { command: string; roomId: string; seq: number; ref: string; code: string }, ears: Ears): void {
    if (frame.command === 'Ack') ears.acked(frame.ref, frame.seq);
    else if (frame.command === 'Error') ears.refused(frame.ref, frame.code);
    else if (frame.roomId === this.roomId) {
      this.deliveries.push({ seq: frame.seq, ref: frame.ref });
      ears.delivered(frame.ref);
    }
  }
}
