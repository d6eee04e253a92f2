import { type Frame, ROOMS_V1, type Welcome, type WelcomeRoom } from './protocol.ts';

/** The gateway sends `Heads` every 25 s. A connection without a frame for this time is dead. */
const MAX_SILENCE_MS = 60_000;
const WELCOME_TIMEOUT_MS = 20_000;

/** The part of a WebSocket that the client uses. */
export interface SocketLike {
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}
export type SocketClass = new (url: string, protocols: string[]) => SocketLike;

export interface SocketEvents {
  /** @returns the frames that the socket sends first */
  onOpen(): object[];
  /** All parts of `Welcome` are there. */
  onWelcome(welcome: Welcome): void;
  onFrame(frame: Frame): void;
  /** The connection has ended. This is called once, and nothing follows. */
  onClose(code: number, reason: string): void;
}

/** One connection to a gateway. */
export class GatewaySocket {
  /** True after `GoingAway`: no new command may be sent. */
  isLeaving = false;
  /** The seconds of the last `Error` frame that belongs to no command. */
  retryAfter: number | undefined;
  readonly #socket: SocketLike;
  readonly #events: SocketEvents;
  readonly #watch: ReturnType<typeof setInterval>;
  #rooms: WelcomeRoom[] | undefined = [];
  #lastFrameMs = performance.now();
  #hasEnded = false;

  constructor(WebSocket: SocketClass, url: string, events: SocketEvents) {
    this.#events = events;
    this.#socket = new WebSocket(url, [ROOMS_V1]);
    // Node 22 reports a refused upgrade with this event alone. Later, a close follows each error.
    this.#socket.onerror = () => this.end(1006, 'network');
    this.#socket.onopen = () => {
      this.#socket.onerror = () => undefined;
      for (const frame of events.onOpen()) this.send(frame);
    };
    this.#socket.onmessage = ({ data }: { data: string }) => this.#receive(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }: { code: number; reason: string }) => this.end(code, reason);
    this.#watch = setInterval(() => this.#endIfSilent(), 1_000);
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  /** Ends the connection now. The close handshake of a dead connection would take minutes. */
  end(code = 1000, reason = ''): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#watch);
    this.#socket.close();
    this.#events.onClose(code, reason);
  }

  #receive(frame: Frame): void {
    if (this.#hasEnded) return;
    this.#lastFrameMs = performance.now();
    if (frame.command === 'Welcome') return void this.#welcome(frame);
    if (frame.command === 'GoingAway') this.isLeaving = true;
    if (frame.command === 'Error' && !frame.ref) this.retryAfter = frame.retryAfter;
    this.#events.onFrame(frame);
  }

  #welcome(part: Welcome): void {
    this.#rooms?.push(...part.rooms);
    if (part.more || !this.#rooms) return;
    const rooms = this.#rooms;
    this.#rooms = undefined;
    this.#events.onWelcome({ ...part, rooms });
  }

  #endIfSilent(): void {
    const silenceMs = performance.now() - this.#lastFrameMs;
    if (silenceMs > (this.#rooms ? WELCOME_TIMEOUT_MS : MAX_SILENCE_MS)) this.end(1006, 'silent');
  }
}
