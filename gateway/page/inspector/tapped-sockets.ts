import type { SocketClass, SocketLike } from '../../../shared/client/gateway-socket.ts';
import type { FrameLog } from './frame-log.ts';

/** The gateway never closes a socket with this code and reason. The client connects again. */
const CUT = [4000, 'cut'] as const;

/** The sockets of the client. Writes each of their frames into a log, and can cut them. */
export class TappedSockets {
  /** Give this class to the client. */
  readonly WebSocket: SocketClass;
  readonly #sockets = new Set<WebSocket>();
  #isCut = false;

  constructor(log: FrameLog) {
    // A constructor that returns an object gives this object to `new`.
    const open = (url: string, protocols: string[]) => {
      return this.#isCut ? new DeadSocket() : this.#open(url, protocols, log);
    };
    this.WebSocket = function Tapped(url: string, protocols: string[]) {
      return open(url, protocols);
    } as unknown as SocketClass;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  /** Ends all connections. Until {@link mend} is called, no new one can be opened. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.close(...CUT);
  }

  mend(): void {
    this.#isCut = false;
  }

  #open(url: string, protocols: string[], log: FrameLog): WebSocket {
    const socket = new TappedSocket(url, protocols, log);
    this.#sockets.add(socket);
    socket.addEventListener('close', () => this.#sockets.delete(socket));
    return socket;
  }
}

class TappedSocket extends WebSocket {
  readonly #log: FrameLog;
  readonly #connection: number;

  constructor(url: string, protocols: string[], log: FrameLog) {
    super(url, protocols);
    this.#log = log;
    this.#connection = log.beginConnection();
    // This listener was added first, so it runs before the handler of the client.
    this.addEventListener('message', ({ data }) => log.addReceived(this.#connection, data));
  }

  override send(text: string): void {
    this.#log.addSent(this.#connection, text);
    super.send(text);
  }
}

/** A socket that cannot connect. */
class DeadSocket implements SocketLike {
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  onerror: SocketLike['onerror'] = null;

  constructor() {
    setTimeout(() => this.onerror?.(undefined as never));
  }

  readonly send = () => undefined;
  readonly close = () => undefined;
}
