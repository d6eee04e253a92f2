import uWS, {
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_socket_context_t,
  type WebSocket,
  type WebSocketBehavior,
} from 'uWebSockets.js';
import { isUtf8 } from 'node:buffer';
import * as v from 'valibot';
import { Command, Ref } from '../../shared/contract/commands.ts';
import { closeCodes, Refusal } from '../../shared/contract/errors.ts';
import { type Ack, ROOMS_V1, type Welcome } from '../../shared/contract/frames.ts';
import type { RoomOutcome } from '../../shared/contract/jobs.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { CappedCounts } from '../edge/capped-counts.ts';
import { TokenBucket } from '../edge/token-bucket.ts';
import { parseJson, validate } from '../edge/validate.ts';
import type { Gateway } from '../gateway.ts';
import { readHeaders } from '../http/body.ts';
import { answer, answerTo, type Handler } from '../http/http.ts';
import { type Connection, connect, errorFrame, refusalOf } from './connection.ts';

const MOST_FRAME_BYTES = 16 * 1024;
/** Unsent bytes of a slow reader; past them its socket closes and it may come again and catch up. */
const MOST_UNSENT_BYTES = 1024 * 1024;
/** Frames are let in so many times as often as commands; who sends more than that is cut off. */
const FRAMES_A_COMMAND = 4;

/** It lives on the socket's own object: none of its names may be one of a method there. */
interface SocketData {
  /** Finds out whose it is. */
  identify: () => Promise<Bearer>;
  address: string;
  isV1: boolean;
  commandMeter: TokenBucket;
  frameMeter: TokenBucket;
  /** These are set when the socket opens; the bearer once it is known whose it is. */
  connection?: Connection;
  bearer?: Bearer;
  /**
   * Resolves when the token is known to be alive and the socket hears its rooms, and else rejects. What the socket sends
   * before that waits.
   */
  attached?: Promise<Bearer>;
  /** Ends the socket with its token. */
  tokenTimer?: NodeJS.Timeout;
}

type Socket = WebSocket<SocketData>;

interface Hall {
  gateway: Gateway;
  perUser: CappedCounts;
  perAddress: CappedCounts;
}

const sockets = new Set<Socket>();

/** `GET /api/ws`: all rooms of the user, and every command. */
export function routeSockets(app: TemplatedApp, gateway: Gateway): void {
  const { SOCKETS_PER_USER, SOCKETS_PER_ADDRESS } = gateway.config;
  const hall = {
    gateway,
    perUser: new CappedCounts(SOCKETS_PER_USER),
    perAddress: new CappedCounts(SOCKETS_PER_ADDRESS),
  };
  const behavior: WebSocketBehavior<SocketData> = {
    compression: uWS.DISABLED,
    maxPayloadLength: MOST_FRAME_BYTES,
    maxBackpressure: MOST_UNSENT_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: 60,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(hall, res, req, context),
    open: (socket) => void open(hall, socket),
    message: (socket, bytes, isBinary) => void receive(gateway, socket, bytes, isBinary),
    close: (socket) => close(hall, socket),
  };
  app.ws('/api/ws', behavior);
  app.ws('/api/ws/', behavior);
}

/** What a request without an upgrade gets there. */
export const upgradeNeeded: Handler = () => {
  throw new Refusal('upgrade_needed');
};

/** Asks every client to come again, to another gateway. */
export function closeSockets(): void {
  for (const socket of sockets) socket.end(closeCodes.going_away, 'going away');
}

/**
 * Upgrades at once, in the tick of the request; {@link open} looks at the token. In this version of uWebSockets.js an
 * upgrade that had to wait can close its own socket (uNetworking/uWebSockets#1928). It also lets browsers, which
 * never see why an upgrade was refused, see the reason.
 */
function upgrade({ gateway, perAddress }: Hall, res: HttpResponse, req: HttpRequest, context: us_socket_context_t) {
  const isV1 = req
    .getHeader('sec-websocket-protocol')
    .split(',')
    .some((name) => name.trim() === ROOMS_V1);
  const origin = req.getHeader('origin');
  try {
    const forwardedFor = readHeaders(req).get('x-forwarded-for');
    const address = gateway.addressOf(res.getRemoteAddress(), forwardedFor);
    if (!gateway.cors.allows(origin)) throw new Refusal('origin_not_allowed');
    if (perAddress.isFull(address)) throw new Refusal('too_many_sockets', { retryAfter: 10 });
    const identify = identifier(gateway, req);
    const { SOCKET_RATE: rate } = gateway.config;
    const meters = { commandMeter: new TokenBucket(rate), frameMeter: new TokenBucket(rate * FRAMES_A_COMMAND) };
    const key = req.getHeader('sec-websocket-key');
    const extensions = req.getHeader('sec-websocket-extensions');
    res.upgrade({ identify, address, isV1, ...meters }, key, isV1 ? ROOMS_V1 : '', extensions, context);
  } catch (error) {
    const { headers, ...response } = answerTo(error, gateway.log);
    answer(res, { ...response, headers: { ...gateway.cors.headers(origin), ...headers } });
  }
}

/** By a ticket, a token, or where old clients are served a token in the URL. @throws Refusal `no_token` */
function identifier({ tickets, tokens, config }: Gateway, req: HttpRequest): () => Promise<Bearer> {
  const query = new URLSearchParams(req.getQuery() ?? '');
  const ticket = query.get('ticket');
  if (ticket !== null) return () => tickets.redeem(ticket);
  const token = config.WS_QUERY_TOKEN ? query.get('token') : null;
  const authorization = req.getHeader('authorization') || (token && `Bearer ${token}`);
  if (!authorization) throw new Refusal('no_token');
  return () => tokens.verify(authorization);
}

async function open(hall: Hall, socket: Socket): Promise<void> {
  const data = socket.getUserData();
  const connection = connect(socket);
  data.connection = connection;
  sockets.add(socket);
  hall.perAddress.add(data.address);
  try {
    data.attached = admit(hall, data, connection);
    await data.attached;
  } catch (error) {
    connection.end(refusalOf(error, hall.gateway.log));
  }
}

async function admit({ gateway, perUser }: Hall, data: SocketData, connection: Connection): Promise<Bearer> {
  await gateway.limits.request(data.address);
  const bearer = await data.identify();
  if (perUser.isFull(bearer.userId)) throw new Refusal('too_many_sockets', { retryAfter: 10 });
  if (connection.closed) throw new Refusal('unavailable');
  data.bearer = bearer;
  perUser.add(bearer.userId);
  data.tokenTimer = setTimeout(() => connection.end(new Refusal('token_expired')), bearer.expires - Date.now());
  await gateway.live.attach(connection, bearer, (rooms) => {
    const welcome: Welcome = { command: 'Welcome', user: { id: bearer.userId }, rooms, epoch: gateway.epoch };
    if (data.isV1) connection.send(JSON.stringify(welcome));
  });
  return bearer;
}

function close({ gateway, perUser, perAddress }: Hall, socket: Socket): void {
  const { address, connection, bearer, tokenTimer } = socket.getUserData();
  if (!connection) return;
  clearTimeout(tokenTimer);
  connection.closed = true;
  sockets.delete(socket);
  perAddress.remove(address);
  if (!bearer) return;
  perUser.remove(bearer.userId);
  gateway.live.detach(connection);
}

async function receive(gateway: Gateway, socket: Socket, bytes: ArrayBuffer, isBinary: boolean): Promise<void> {
  const { attached, isV1, commandMeter, frameMeter, ...data } = socket.getUserData();
  const connection = data.connection as Connection;
  if (!frameMeter.allow()) return connection.end(new Refusal('rate_limited', { retryAfter: 4 }));
  let ref: string | undefined;
  try {
    // The bytes are gone after this tick.
    const frame = parseFrame(bytes, isBinary);
    ref = v.is(Ref, frame.ref) ? frame.ref : undefined;
    const command = validate(Command, frame);
    if (!commandMeter.allow()) throw new Refusal('rate_limited', { retryAfter: 1 });
    const { userId } = await (attached as Promise<Bearer>);
    const outcome = await gateway.commands.submit(command, userId);
    if ('code' in outcome) throw new Refusal(outcome.code);
    if (isV1) connection.send(acknowledge(outcome, ref));
  } catch (error) {
    connection.send(errorFrame(refusalOf(error, gateway.log), ref));
  }
}

function parseFrame(bytes: ArrayBuffer, isBinary: boolean): Record<string, unknown> {
  if (isBinary) throw new Refusal('bad_frame');
  const buffer = Buffer.from(bytes);
  if (!isUtf8(buffer)) throw new Refusal('bad_json');
  return parseJson(buffer.toString('utf8'));
}

function acknowledge(outcome: Exclude<RoomOutcome, { code: unknown }>, ref: string | undefined): string {
  const { id, roomId, seq } = outcome;
  const ack: Ack = { command: 'Ack', ref, id, roomId, seq };
  return JSON.stringify(ack);
}
