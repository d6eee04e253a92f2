import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Command } from '../../contract/commands.ts';
import { closeCodes, Refusal } from '../../contract/errors.ts';
import { ROOMS_V1 } from '../../contract/frames.ts';
import { type Answer, answerOf, type HttpContext, refusalAnswer } from './http.ts';
import type { Observer } from './observer.ts';
import type { KitUser } from './room.ts';
import { KitSocket, type SocketContext } from './socket.ts';
import type { World } from './world.ts';

/** What happens to one command, instead of its commit and its `Ack`. */
export type Reaction = (command: Command, socket: KitSocket) => void;

export interface RefusedUpgrade {
  atMs: number;
  /** False in a browser, which sees only that there is no socket. */
  canReadAnswer: boolean;
}

/** A server with the routes and frames that a client needs. Its faults are fields that a case sets. */
export class KitServer implements HttpContext, SocketContext {
  readonly world: World;
  readonly observer: Observer;
  /** The sockets in the order in which they opened. */
  readonly sockets: KitSocket[] = [];
  /** The next commands meet these reactions, one each. */
  readonly reactions: Reaction[] = [];
  /** The next logins are refused. */
  readonly loginRefusals: Refusal[] = [];
  /** The next upgrades are refused with an HTTP answer. */
  readonly upgradeRefusals: Refusal[] = [];
  lastRefusedUpgrade: RefusedUpgrade | undefined;
  /** What the next socket sends before it keeps its messages. */
  maxMessages: number | undefined;
  welcomeSize: number | undefined;
  /** Fields of a later version, in each `Welcome`. */
  unknownFields: object = {};
  /** True while no connection is accepted. */
  isDown = false;
  /** The connections that were refused meanwhile. */
  refusedConnections = 0;
  /** When a login came, in milliseconds. */
  readonly loginTimes: number[] = [];
  /** Called once, before a history is read. */
  onRead: (() => void) | undefined;
  staleReads = 0;
  /** The number of `Resume` frames on open sockets that are refused. */
  resumeRefusals = 0;
  /** If more messages of a room are missing, the client gets `Resync`. */
  maxReplayed: number | undefined;
  /** True while a new socket gets no more than its `Welcome`. */
  isReplayLost = false;
  readonly #onChange: () => void;
  readonly #tokens = new Map<string, KitUser>();
  readonly #endedTokens = new Set<string>();
  readonly #tickets = new Map<string, KitUser>();
  readonly #http: Server;
  readonly #upgrades = new WebSocketServer({
    noServer: true,
    handleProtocols: (names) => names.has(ROOMS_V1) && ROOMS_V1,
  });

  /** @param onChange called after each event, so that a case can check what it waits for */
  constructor(world: World, observer: Observer, onChange: () => void) {
    this.world = world;
    this.observer = observer;
    this.#onChange = onChange;
    this.#http = createServer((request, response) => {
      void this.#answer(request).then(({ status, body, headers }) => {
        this.observer.note(`${request.method} ${request.url} is answered ${status}`, status < 400 ? undefined : body);
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
        this.changed();
      });
    });
    this.#http.on('connection', (socket) => this.#accept(socket));
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    world.onRow((room, row) => {
      for (const socket of this.sockets) socket.deliver(room, row);
    });
  }

  /** @returns the URL */
  async listen(): Promise<string> {
    this.#http.listen(0, '127.0.0.1');
    await once(this.#http, 'listening');
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  close(): void {
    this.goDown();
    this.#http.close();
  }

  get openSockets(): KitSocket[] {
    return this.sockets.filter(({ isOpen }) => isOpen);
  }

  /** Ends the tokens of all users. */
  endTokens(): void {
    for (const token of this.#tokens.keys()) this.#endedTokens.add(token);
  }

  /** Ends the tokens of all users, and closes their sockets. */
  logOut(): void {
    this.endTokens();
    for (const socket of this.openSockets) {
      socket.refuse('token_expired', {});
      socket.close(closeCodes.unauthorized, 'token_expired');
    }
  }

  /** Commits a command and acknowledges it, except if a case wants something else. */
  receive(command: Command, socket: KitSocket): void {
    this.observer.received(command);
    const reaction = this.reactions.shift() ?? acknowledge;
    try {
      reaction(command, socket);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      socket.refuse(error.code, command);
    }
  }

  changed(): void {
    this.#onChange();
  }

  ended(): void {
    this.observer.ended();
    this.changed();
  }

  /** Cuts all connections, and accepts no other. */
  goDown(): void {
    this.isDown = true;
    for (const socket of this.openSockets) socket.cut();
    this.#http.closeAllConnections();
  }

  createTicket(user: KitUser): string {
    const ticket = randomBytes(16).toString('hex');
    this.#tickets.set(ticket, user);
    return ticket;
  }

  logIn(email: string, password: string): string {
    this.loginTimes.push(performance.now());
    const refusal = this.loginRefusals.shift();
    if (refusal) throw refusal;
    const user = [...this.world.users.values()].find((each) => each.email === email && each.password === password);
    if (!user) throw new Refusal('wrong_credentials');
    const token = randomBytes(16).toString('hex');
    this.#tokens.set(token, user);
    return token;
  }

  /** @throws Refusal if the header has no valid token */
  userOf({ authorization }: { authorization?: string | undefined }): KitUser {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (!token) throw new Refusal('no_token');
    const user = this.#tokens.get(token);
    if (!user) throw new Refusal('bad_token');
    if (this.#endedTokens.has(token)) throw new Refusal('token_expired');
    return user;
  }

  #accept(socket: Duplex): void {
    if (!this.isDown) return;
    this.refusedConnections++;
    socket.destroy();
    this.changed();
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    try {
      return await answerOf(this, request);
    } catch (error) {
      return refusalAnswer(error);
    }
  }

  /** Upgrades first and then authenticates, as a gateway does. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://kit');
    this.observer.note(`upgrade of ${request.url}`);
    const refusal = this.upgradeRefusals.shift();
    if (refusal) return void this.#refuseUpgrade(request, socket, refusal);
    const isRight = pathname === '/api/ws' && searchParams.get('resume') === 'true';
    const protocol = request.headers['sec-websocket-protocol'];
    if (!isRight || protocol !== ROOMS_V1) this.observer.broken(wrongUpgrade(request.url, protocol));
    this.#upgrades.handleUpgrade(request, socket, head, (ws) => {
      try {
        const ticket = searchParams.get('ticket');
        const user = ticket === null ? this.userOf(request.headers) : this.#takeTicket(ticket);
        const kitSocket = new KitSocket(this, ws, user, this.sockets.length + 1);
        kitSocket.maxMessages = this.maxMessages ?? Number.POSITIVE_INFINITY;
        this.maxMessages = undefined;
        this.sockets.push(kitSocket);
      } catch (error) {
        const { code } = error as Refusal;
        this.observer.note(`the socket is closed: ${code}`);
        ws.send(JSON.stringify({ command: 'Error', ...refusalAnswer(error).body }));
        ws.close(closeCodes.unauthorized, code);
      }
      this.changed();
    });
  }

  #refuseUpgrade({ headers }: IncomingMessage, socket: Duplex, refusal: Refusal): void {
    const canReadAnswer = headers.authorization !== undefined;
    this.lastRefusedUpgrade = { atMs: performance.now(), canReadAnswer };
    const { status, headers: more, body } = refusalAnswer(refusal);
    const text = JSON.stringify(body);
    const fixed = { connection: 'close', 'content-type': 'application/json', 'content-length': text.length };
    const lines = Object.entries({ ...more, ...fixed }).map(([name, value]) => `${name}: ${value}`);
    this.observer.note(`the upgrade is answered ${status}`, lines.join(', '));
    socket.end([`HTTP/1.1 ${status} Refused`, ...lines, '', text].join('\r\n'));
  }

  #takeTicket(ticket: string): KitUser {
    const user = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (!user) throw new Refusal('bad_ticket');
    return user;
  }
}

const wrongUpgrade = (url = '', protocol = 'none'): string =>
  `the socket was opened as ${url} with the subprotocol ${protocol}, not as /api/ws?resume=true with ${ROOMS_V1}`;

/** What a gateway does. */
export const acknowledge: Reaction = (command, socket) => socket.send(socket.commit(command));
