import { atLeast, Backoff } from './backoff.ts';
import { GatewaySocket, type SocketClass } from './gateway-socket.ts';
import type { Http } from './http.ts';
import type { Frame, Welcome } from './protocol.ts';
import { Refused } from './refused.ts';

/**
 * `offline`: no connection; the client waits and tries again. `connecting`: it opens one. `recovering`: it gets the
 * messages that it missed. `live`: it has every message. `closed`: it does not try again before `connect` is called.
 */
export type State = 'offline' | 'connecting' | 'recovering' | 'live' | 'closed';

export interface Transition {
  from: State;
  to: State;
  /** Why, for programs: an error code, a close code, or one of the words that the README lists. */
  reason: string;
}

export interface ConnectionOptions {
  http: Http;
  WebSocket: SocketClass;
  /** @returns the frames that a new socket sends first */
  onOpen(): object[];
  /** This socket is now the current one: new commands go there. */
  onWelcome(welcome: Welcome, socket: GatewaySocket): void;
  /** A frame of the current socket, or of an older one that still waits for outcomes. */
  onFrame(frame: Frame, socket: GatewaySocket): void;
  onEnd(socket: GatewaySocket): void;
  /** @returns true if this socket may still bring outcomes */
  isNeeded(socket: GatewaySocket): boolean;
  onTransition(transition: Transition): void;
}

/** The wait after `GoingAway`, so that the clients of a gateway do not all move in one moment. It closes idle sockets soon. */
const MAX_MOVE_DELAY_MS = 200;
const MIN_UNAVAILABLE_SECONDS = 2;
/** After this close code, the request for the next ticket gets a new token. The other codes from 4400 to 4499 are final. */
const UNAUTHORIZED = 4401;

/** Keeps one socket open. During a move to another gateway, there are two. */
export class Connection {
  readonly #options: ConnectionOptions;
  readonly #backoff = new Backoff();
  readonly #sockets = new Set<GatewaySocket>();
  #state: State = 'offline';
  /** The socket that gets new commands. */
  #current: GatewaySocket | undefined;
  /** The socket that has no `Welcome` yet. First, it needs a ticket. */
  #opening: GatewaySocket | 'ticket' | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): State {
    return this.#state;
  }

  get current(): GatewaySocket | undefined {
    return this.#current;
  }

  /** Opens a connection now, if there is none. It ends a wait. */
  connect(reason: string): void {
    if (this.#state === 'closed') this.#to('offline', reason);
    if (!this.#current) void this.#open(reason);
  }

  /** Every message of every room has arrived, or some are missing. */
  recovered(isLive: boolean, reason: string): void {
    if (!this.#current) return;
    this.#to(isLive ? 'live' : 'recovering', reason);
    if (isLive) this.#backoff.reset();
  }

  /** Connects again. The request for the ticket shows whether the token is still valid. */
  renew(code: string): void {
    this.#current?.end(UNAUTHORIZED, code);
  }

  close(reason: string): void {
    clearTimeout(this.#timer);
    this.#to('closed', reason);
    for (const socket of [...this.#sockets]) socket.end();
  }

  #to(to: State, reason: string): void {
    const from = this.#state;
    if (from === to) return;
    this.#state = to;
    this.#options.onTransition({ from, to, reason });
  }

  #openAfter(ms: number, reason: string): void {
    clearTimeout(this.#timer);
    // A listener of the last transition may have closed the client.
    if (this.#state !== 'closed') this.#timer = setTimeout(() => this.#open(reason), ms);
  }

  async #open(reason: string): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#opening) return;
    this.#opening = 'ticket';
    if (!this.#current) this.#to('connecting', reason);
    try {
      const { body } = await this.#options.http.request<{ ticket: string }>('POST', '/api/ws/ticket');
      this.#opening = undefined;
      if (this.#state !== 'closed') this.#openSocket(body.ticket, reason);
    } catch (error) {
      this.#opening = undefined;
      if (this.#state !== 'closed') this.#failed(error);
    }
  }

  #openSocket(ticket: string, reason: string): void {
    const { http, WebSocket, onOpen } = this.#options;
    const url = `${http.url.replace(/^http/, 'ws')}/api/ws?ticket=${ticket}&resume=true`;
    const socket: GatewaySocket = new GatewaySocket(WebSocket, url, {
      onOpen,
      onWelcome: (welcome) => this.#welcome(socket, welcome, reason),
      onFrame: (frame) => this.#receive(socket, frame),
      onClose: (code, why) => this.#ended(socket, code, why.split(' ')[0] || `${code}`),
    });
    this.#opening = socket;
    this.#sockets.add(socket);
  }

  #welcome(socket: GatewaySocket, welcome: Welcome, reason: string): void {
    const old = this.#current;
    this.#opening = undefined;
    this.#current = socket;
    this.#to('recovering', old ? reason : 'welcome');
    this.#options.onWelcome(welcome, socket);
    if (old) this.#endIfDone(old);
    if (socket.isLeaving) this.#move();
  }

  #receive(socket: GatewaySocket, frame: Frame): void {
    if (frame.command === 'GoingAway' && socket === this.#current) this.#move();
    this.#options.onFrame(frame, socket);
    if (frame.command === 'Ack' || frame.command === 'Error') this.#endIfDone(socket);
  }

  /** The old socket stays until each of its commands has an outcome. */
  #endIfDone(socket: GatewaySocket): void {
    if (socket === this.#current || socket === this.#opening || this.#options.isNeeded(socket)) return;
    socket.end();
  }

  #move(): void {
    this.#openAfter(Math.random() * MAX_MOVE_DELAY_MS, 'going_away');
  }

  #ended(socket: GatewaySocket, code: number, reason: string): void {
    const wasInUse = socket === this.#current || socket === this.#opening;
    if (socket === this.#current) this.#current = undefined;
    if (socket === this.#opening) this.#opening = undefined;
    this.#sockets.delete(socket);
    this.#options.onEnd(socket);
    if (!wasInUse || this.#state === 'closed') return;
    if (!this.#opening) return void this.#reopen(socket, code, reason);
    if (!this.#current) this.#to('connecting', reason);
  }

  /** Does what the close code says. */
  #reopen(socket: GatewaySocket, code: number, reason: string): void {
    if (code >= 4400 && code < 4500 && code !== UNAUTHORIZED) return void this.close(reason);
    const isDelayed = code >= 4100 && code < 4200;
    this.#retry(reason, isDelayed ? atLeast(socket.retryAfter ?? MIN_UNAVAILABLE_SECONDS) : 0);
  }

  #failed(error: unknown): void {
    if (!(error instanceof Refused)) return void this.#retry('network', 0);
    // A new token can be ended too, by a second logout. Then the next attempt gets another one.
    if (error.retry === 'no') return void this.close(error.code);
    this.#retry(error.code, atLeast(error.retryAfter ?? 0));
  }

  #retry(reason: string, ms: number): void {
    if (!this.#current) this.#to('offline', reason);
    this.#openAfter(Math.max(ms, this.#backoff.next()), reason);
  }
}
