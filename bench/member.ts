import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A message that a socket received. */
interface Delivery {
  seq: number;
  ref: string;
}

/** Called when a member's socket receives a frame. */
export interface SocketEvents {
  acked: (ref: string, seq: number) => void;
  delivered: (ref: string) => void;
  refused: (ref: string | undefined, code: string) => void;
}

interface Frame {
  command: string;
  roomId: string;
  seq: number;
  ref: string;
  code: string;
}

/** A user with one socket who writes in one room. Messages of other rooms are ignored. */
export class Member {
  readonly roomId: string;
  /** The messages of the room, in the order in which the socket received them. */
  readonly deliveries: Delivery[] = [];
  /** The close code, if the socket is closed. */
  closed?: number;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket, roomId: string) {
    this.#socket = socket;
    this.roomId = roomId;
  }

  /** Resolves when the socket has its Welcome: from then on it receives the messages of its rooms. */
  static async connect(url: string, token: string, roomId: string, events: SocketEvents): Promise<Member> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`, ['rooms.v1'], {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    const member = new Member(socket, roomId);
    const welcomed = once(socket, 'message');
    // The first frame is the Welcome. Every later frame goes to #receive.
    socket.once('message', () => {
      socket.on('message', (data) => member.#receive(JSON.parse(data.toString()), events));
    });
    socket.on('close', (code) => {
      member.closed = code;
    });
    await welcomed;
    return member;
  }

  send(text: string, ref: string): void {
    this.#socket.send(JSON.stringify({ command: 'CreateMessage', roomId: this.roomId, text, ref }));
  }

  #receive(frame: Frame, events: SocketEvents): void {
    if (frame.command === 'Ack') events.acked(frame.ref, frame.seq);
    else if (frame.command === 'Error') events.refused(frame.ref, frame.code);
    else if (frame.roomId === this.roomId) {
      this.deliveries.push({ seq: frame.seq, ref: frame.ref });
      events.delivered(frame.ref);
    }
  }
}
