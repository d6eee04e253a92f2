import { WebSocket } from 'k6/websockets';
import { authorization, socketUrl } from './settings.js';

/** The `readyState` of an open socket. */
const OPEN = 1;

/** The fields of all frames of a gateway (docs/protocol.md). Which ones a frame has depends on its `command`.
 * @typedef {{ command: string, roomId: string, seq: number, ref: string, code: string, rooms: { id: string, seq: number }[] }} Frame */

/** The socket of one member of a room. It checks that the messages of the room come once and in order, without a gap. */
export class MemberSocket {
  /** The seq of the last message of the room that this socket received. */
  lastSeq = 0;
  /** When the `Welcome` came, in milliseconds since 1970. */
  openedAt = 0;
  #isClosing = false;

  /**
   * @param {{ token: string }} user
   * @param {string} roomId
   * @param {{ received: (frame: Frame) => void, failed: (reason: string) => void }} events `received` gets acks and messages
   */
  constructor(user, roomId, events) {
    this.roomId = roomId;
    this.events = events;
    // k6 ignores its parameter for subprotocols.
    const headers = { ...authorization(user), 'Sec-WebSocket-Protocol': 'rooms.v1' };
    this.socket = new WebSocket(socketUrl, null, { headers });
    this.socket.onmessage = (event) => this.#receive(JSON.parse(/** @type {string} */ (event?.data)));
    this.socket.onerror = (event) => events.failed(`socket error: ${event?.error}`);
    this.socket.onclose = () => {
      if (!this.#isClosing) events.failed('the socket was closed');
    };
  }

  /** @param {string} text @param {string} ref a UUID */
  send(text, ref) {
    // k6 ends the whole iteration if a socket that is not open sends.
    if (this.socket.readyState !== OPEN) return this.events.failed('the socket is not open');
    this.socket.send(JSON.stringify({ command: 'CreateMessage', roomId: this.roomId, text, ref }));
  }

  close() {
    this.#isClosing = true;
    this.socket.close();
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.command === 'Welcome') {
      this.lastSeq = frame.rooms.find(({ id }) => id === this.roomId)?.seq ?? 0;
      this.openedAt = Date.now();
    } else if (frame.command === 'Error') {
      this.events.failed(`refused: ${frame.code}`);
    } else if (frame.command === 'Ack') {
      this.events.received(frame);
    } else if (frame.roomId === this.roomId) {
      if (frame.seq !== this.lastSeq + 1) this.events.failed(`seq ${frame.seq} after ${this.lastSeq}`);
      this.lastSeq = frame.seq;
      this.events.received(frame);
    }
  }
}
