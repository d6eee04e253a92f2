import type { WebSocket } from 'uWebSockets.js';
import * as v from 'valibot';
import { Command, Ref } from '../../shared/contract/commands.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { closeCodeOf, closeReasonOf, toRefusal } from '../edge/refusals.ts';
import { TokenBucket } from '../edge/token-bucket.ts';
import { validate } from '../edge/validate.ts';
import type { SocketAdmission } from './admission.ts';
import type { Authenticate } from './choose-authentication.ts';
import { encodeAck, encodeError, encodeWelcome, parseFrame } from './frame-codec.ts';

/**
 * The data that the upgrade gives to a socket. uWebSockets.js copies these keys onto the socket, so no key may have the
 * name of a method of the socket.
 */
export interface UpgradeData {
  authenticate: Authenticate;
  address: string;
  /** True if the client offered the subprotocol `rooms.v1`. */
  isV1: boolean;
}

export type Socket = WebSocket<UpgradeData>;

/**
 * Owns one socket, from its open event to its close event. After the close event, every call does nothing.
 * Each room has a topic in uWebSockets.js: a frame that is published to the topic reaches all its subscribed sockets.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #upgradeData: UpgradeData;
  readonly #gateway: GatewayContext;
  readonly #admission: SocketAdmission;
  readonly #commandBucket: TokenBucket;
  readonly #frameBucket: TokenBucket;
  /** Resolves when the socket is subscribed to the topics of its user's rooms. Commands wait for this. */
  readonly #attached: Promise<Bearer>;
  #tokenTimer: NodeJS.Timeout | undefined;
  #userId: string | undefined;
  #closed = false;

  /** @param socket a socket that has just opened */
  constructor(socket: Socket, gateway: GatewayContext, admission: SocketAdmission) {
    this.#socket = socket;
    this.#upgradeData = { ...socket.getUserData() };
    this.#gateway = gateway;
    this.#admission = admission;
    const { SOCKET_RATE } = gateway.config;
    this.#commandBucket = new TokenBucket(SOCKET_RATE);
    this.#frameBucket = new TokenBucket(SOCKET_RATE * limits.FRAMES_PER_COMMAND);
    admission.countAddress(this.#upgradeData.address);
    this.#attached = this.#attach();
    this.#attached.catch((error: unknown) => this.closeWithError(toRefusal(error, gateway.log)));
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Subscribes the socket to the topic of a room. */
  join(roomId: string): void {
    if (!this.#closed) this.#socket.subscribe(roomId);
  }

  /** Unsubscribes the socket from the topic of a room. */
  leave(roomId: string): void {
    if (!this.#closed) this.#socket.unsubscribe(roomId);
  }

  send(frame: string): void {
    if (!this.#closed) this.#socket.send(frame);
  }

  /** Sends an `Error` frame, and closes the socket with the close code for this refusal. */
  closeWithError(refusal: Refusal): void {
    this.send(encodeError(refusal));
    this.close(closeCodeOf(refusal), closeReasonOf(refusal));
  }

  close(code: number, reason: string): void {
    if (!this.#closed) this.#socket.end(code, reason);
  }

  /** Handles a frame of the client. Sends an `Error`, or an `Ack` if the client uses `rooms.v1`. */
  async receive(bytes: ArrayBuffer, isBinary: boolean): Promise<void> {
    if (!this.#frameBucket.take()) {
      return this.closeWithError(new Refusal('rate_limited', { retryAfter: limits.BURST_SECONDS }));
    }
    let ref: string | undefined;
    try {
      const frame = parseFrame(bytes, isBinary);
      ref = v.is(Ref, frame.ref) ? frame.ref : undefined;
      const command = validate(Command, frame);
      if (!this.#commandBucket.take()) throw new Refusal('rate_limited', { retryAfter: 1 });
      const { userId } = await this.#attached;
      const outcome = await this.#gateway.dispatcher.submit(command, userId);
      if ('code' in outcome) throw new Refusal(outcome.code);
      if (this.#upgradeData.isV1) this.send(encodeAck(outcome, ref));
    } catch (error) {
      this.send(encodeError(toRefusal(error, this.#gateway.log), ref));
    }
  }

  /** Call this once, in the close event. */
  handleClose(): void {
    this.#closed = true;
    clearTimeout(this.#tokenTimer);
    this.#admission.uncountAddress(this.#upgradeData.address);
    if (this.#userId === undefined) return;
    this.#admission.uncountUser(this.#userId);
    this.#gateway.liveRooms.detach(this);
  }

  async #attach(): Promise<Bearer> {
    const { rateLimits, liveRooms, epoch } = this.#gateway;
    await rateLimits.countRequest(this.#upgradeData.address);
    const bearer = await this.#upgradeData.authenticate();
    this.#admission.checkUser(bearer.userId);
    if (this.#closed) throw new Refusal('unavailable');
    this.#userId = bearer.userId;
    this.#admission.countUser(bearer.userId);
    this.#tokenTimer = setTimeout(() => this.closeWithError(new Refusal('token_expired')), bearer.expires - Date.now());
    await liveRooms.attach(this, bearer, (rooms) => {
      if (this.#upgradeData.isV1) this.send(encodeWelcome(bearer.userId, rooms, epoch));
    });
    return bearer;
  }
}
