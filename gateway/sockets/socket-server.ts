import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_socket_context_t,
  WebSocket,
  WebSocketBehavior,
} from 'uWebSockets.js';
import { closeCodes, Refusal } from '../../shared/contract/errors.ts';
import { ROOMS_V1 } from '../../shared/contract/frames.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { joinHeaderLines } from '../edge/header-lines.ts';
import { toRefusal } from '../edge/refusals.ts';
import { readHeaders } from '../http/body.ts';
import { refusalAnswer, writeAnswer } from '../http/exchange.ts';
import { Slices } from '../live/slices.ts';
import { SocketAdmission } from './admission.ts';
import { type ChooseAuthentication, createChooseAuthentication } from './choose-authentication.ts';
import { Connection, type ConnectionContext, type SocketData } from './connection.ts';
import { type DepartureOptions, depart } from './departure.ts';
import { Outbox } from './outbox.ts';
import { TokenExpiries } from './token-expiries.ts';
import { UnsentBytes } from './unsent-bytes.ts';
import { WaitingCommands } from './waiting-commands.ts';

/** The code of a close event without a close frame (RFC 6455). No close frame can have this code. */
const NO_CLOSE_FRAME = 1006;

/** What uWebSockets.js does by itself with each socket. */
export type SocketSettings = Omit<
  WebSocketBehavior<SocketData>,
  'upgrade' | 'open' | 'message' | 'ping' | 'pong' | 'dropped' | 'drain' | 'close' | 'subscription'
>;

/** Serves the sockets of one gateway at `GET /api/ws`. */
export class SocketServer {
  readonly #gateway: GatewayContext;
  readonly #context: ConnectionContext;
  readonly #chooseAuthentication: ChooseAuthentication;
  readonly #connections = new Set<Connection>();
  readonly #unsentBytes: UnsentBytes;
  readonly #slices = new Slices();

  constructor(gateway: GatewayContext) {
    const admission = new SocketAdmission(gateway.config);
    this.#gateway = gateway;
    this.#context = {
      ...{ gateway, admission, expiries: new TokenExpiries(this.#connections) },
      ...{ outbox: new Outbox(), waitingCommands: new WaitingCommands() },
    };
    this.#chooseAuthentication = createChooseAuthentication(gateway);
    this.#unsentBytes = new UnsentBytes(this.#connections, gateway.config, gateway.log);
  }

  register(app: TemplatedApp, settings: SocketSettings): void {
    for (const path of ['/api/ws', '/api/ws/']) {
      app.ws<SocketData>(path, {
        ...settings,
        upgrade: (res, req, context) => this.#upgrade(res, req, context),
        open: (socket) => this.#open(socket),
        message: (socket, bytes, isBinary) => socket.getUserData().connection.receive(bytes, isBinary),
        ping: (socket) => socket.getUserData().connection.receiveControlFrame(),
        pong: (socket) => socket.getUserData().connection.receiveControlFrame(),
        dropped: (socket) => socket.getUserData().connection.handleDropped(),
        drain: (socket) => socket.getUserData().connection.handleDrain(),
        close: (socket, code) => this.#close(socket.getUserData().connection, code),
      });
    }
  }

  /**
   * Closes every open socket, in slices. Its close code says what the client does next. The gateway still takes new
   * sockets, except if it is stopping.
   */
  closeAll(name: 'going_away' | 'reload' | 'unavailable'): Promise<void> {
    const reason = name.replace('_', ' ');
    return this.#slices.run([...this.#connections], (connection) => connection.close(closeCodes[name], reason));
  }

  /** Asks all clients to move to another gateway, and closes all sockets. See {@link depart}. */
  async stop(options: Omit<DepartureOptions, 'sockets'>): Promise<void> {
    await depart({ ...options, sockets: this.#connections });
    await this.closeAll('going_away');
    this.#unsentBytes.close();
  }

  /**
   * Upgrades immediately, before this function returns. Authenticates later (docs/decisions/0003). A browser cannot
   * read the answer to a refused upgrade, but it can read the reason why an open socket was closed.
   */
  #upgrade(res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
    const { addressOf, connections, cors, log } = this.#gateway;
    connections.handleRequest(res);
    const origin = req.getHeader('origin');
    try {
      if (this.#gateway.isStopping) throw new Refusal('unavailable');
      const address = addressOf(res.getRemoteAddress(), readHeaders(req).get('x-forwarded-for'));
      if (!cors.allows(origin)) throw new Refusal('origin_not_allowed');
      this.#context.admission.checkAddress(address);
      const authenticate = this.#chooseAuthentication(req);
      const isV1 = offersV1(req.getHeader('sec-websocket-protocol'));
      const isResuming = isV1 && new URLSearchParams(req.getQuery() ?? '').get('resume') === 'true';
      const key = req.getHeader('sec-websocket-key');
      const extensions = req.getHeader('sec-websocket-extensions');
      const connection = new Connection(this.#context, { authenticate, address, isV1, isResuming });
      res.upgrade<SocketData>({ connection }, key, isV1 ? ROOMS_V1 : '', extensions, context);
    } catch (error) {
      const { headers = '', ...answer } = refusalAnswer(toRefusal(error, log));
      writeAnswer(res, { ...answer, headers: joinHeaderLines(cors.headers(origin), headers) });
    }
  }

  #open(socket: WebSocket<SocketData>): void {
    const { connection } = socket.getUserData();
    this.#connections.add(connection);
    connection.open(socket);
  }

  #close(connection: Connection, code: number): void {
    this.#connections.delete(connection);
    connection.handleClose();
    this.#gateway.connections.handleSocketClose(code !== NO_CLOSE_FRAME);
  }
}

function offersV1(protocols: string): boolean {
  return protocols.split(',').some((name) => name.trim() === ROOMS_V1);
}
