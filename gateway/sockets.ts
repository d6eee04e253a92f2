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
import { Command, Ref } from '../shared/commands.ts';
import { closeCodes, Refusal } from '../shared/errors.ts';
import type { RoomOutcome } from '../shared/jobs.ts';
import type { Gateway } from './gateway.ts';
import { answer, answerTo, type Handler } from './http.ts';
import type { Listener } from './online.ts';
import type { Bearer } from './tokens.ts';
import { parseJson, validate } from './validate.ts';

/** The subprotocol with `Welcome` and `Ack`; a client that does not offer it gets the seed's frames alone. */
const ROOMS_V1 = 'rooms.v1';

const MOST_FRAME_BYTES = 16 * 1024;
/** Unsent bytes of a slow reader; past them its socket closes and it may come again and catch up. */
const MOST_UNSENT_BYTES = 1024 * 1024;

/** It lives on the socket's own object: none of its names may be one of a method there. */
interface SocketData {
  authorization: string;
  isV1: boolean;
  /** These are set when the socket opens; the id once the token was looked at. */
  listener?: Listener & { closed: boolean };
  bearer?: Promise<Bearer>;
  userId?: string;
  /** Ends the socket with its token. */
  tokenTimer?: NodeJS.Timeout;
}

type Socket = WebSocket<SocketData>;

const sockets = new Set<Socket>();

/** `GET /api/ws`: all rooms of the user, and every command. */
export function routeSockets(app: TemplatedApp, gateway: Gateway): void {
  const behavior: WebSocketBehavior<SocketData> = {
    compression: uWS.DISABLED,
    maxPayloadLength: MOST_FRAME_BYTES,
    maxBackpressure: MOST_UNSENT_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: 60,
    sendPingsAutomatically: true,
    upgrade: (res, req, context) => upgrade(gateway, res, req, context),
    open: (socket) => void open(gateway, socket),
    message: (socket, bytes, isBinary) => void receive(gateway, socket, bytes, isBinary),
    close: (socket) => close(gateway, socket),
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
function upgrade({ log }: Gateway, res: HttpResponse, req: HttpRequest, context: us_socket_context_t): void {
  const isV1 = req.getHeader('sec-websocket-protocol').split(/ *, */).includes(ROOMS_V1);
  const data: SocketData = { authorization: req.getHeader('authorization'), isV1 };
  if (!data.authorization) {
    answer(res, answerTo(new Refusal('no_token'), log));
    return;
  }
  const key = req.getHeader('sec-websocket-key');
  const extensions = req.getHeader('sec-websocket-extensions');
  res.upgrade(data, key, isV1 ? ROOMS_V1 : '', extensions, context);
}

async function open(gateway: Gateway, socket: Socket): Promise<void> {
  const data = socket.getUserData();
  const listener = listenerOf(socket);
  data.listener = listener;
  sockets.add(socket);
  try {
    data.bearer = gateway.tokens.verify(data.authorization);
    const { userId, expires } = await data.bearer;
    if (listener.closed) return;
    data.userId = userId;
    data.tokenTimer = setTimeout(() => socket.end(closeCodes.unauthorized, 'token_expired'), expires - Date.now());
    await attach(gateway, socket, listener, userId);
  } catch (error) {
    const { body } = answerTo(error, gateway.log);
    listener.send(JSON.stringify({ command: 'Error', ...(body as object) }));
    const [code, reason] = error instanceof Refusal ? [closeCodes.unauthorized, error.code] : [closeCodes.unavailable];
    if (!listener.closed) socket.end(code, reason);
  }
}

async function attach({ online, epoch }: Gateway, socket: Socket, listener: Listener, userId: string): Promise<void> {
  const { isV1 } = socket.getUserData();
  const known = await online.attach(userId, listener, (rooms) => {
    if (isV1) listener.send(JSON.stringify({ command: 'Welcome', user: { id: userId }, rooms, epoch }));
  });
  if (!known) throw new Refusal('bad_token');
}

/** A closed socket must not be touched any more, so all that touches it later looks first. */
function listenerOf(socket: Socket): Listener & { closed: boolean } {
  const unlessClosed = (act: () => void) => {
    if (!listener.closed) act();
  };
  const listener = {
    closed: false,
    join: (roomId: string) => unlessClosed(() => socket.subscribe(roomId)),
    leave: (roomId: string) => unlessClosed(() => socket.unsubscribe(roomId)),
    send: (frame: string) => unlessClosed(() => socket.send(frame)),
  };
  return listener;
}

function close({ online }: Gateway, socket: Socket): void {
  const { userId, listener, tokenTimer } = socket.getUserData();
  if (!listener) return;
  clearTimeout(tokenTimer);
  listener.closed = true;
  sockets.delete(socket);
  if (userId) online.detach(userId, listener);
}

async function receive(gateway: Gateway, socket: Socket, bytes: ArrayBuffer, isBinary: boolean): Promise<void> {
  const { bearer, isV1, listener } = socket.getUserData();
  let ref: string | undefined;
  try {
    // The bytes are gone after this tick.
    const frame = parseFrame(bytes, isBinary);
    ref = v.is(Ref, frame.ref) ? frame.ref : undefined;
    const command = validate(Command, frame);
    const { userId } = await (bearer as Promise<Bearer>);
    const outcome = await gateway.commands.submit(command, userId);
    if ('code' in outcome) throw new Refusal(outcome.code);
    if (isV1) listener?.send(acknowledge(outcome, ref));
  } catch (error) {
    const { body } = answerTo(error, gateway.log);
    listener?.send(JSON.stringify({ command: 'Error', ...(body as object), ref }));
  }
}

function parseFrame(bytes: ArrayBuffer, isBinary: boolean): Record<string, unknown> {
  if (isBinary) throw new Refusal('bad_frame');
  const buffer = Buffer.from(bytes);
  if (!isUtf8(buffer)) throw new Refusal('bad_json');
  return parseJson(buffer.toString('utf8'));
}

function acknowledge(outcome: Exclude<RoomOutcome, { code: unknown }>, ref: string | undefined): string {
  return JSON.stringify({ command: 'Ack', ref, ...outcome });
}
