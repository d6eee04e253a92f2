import type { WebSocket } from 'uWebSockets.js';
import * as v from 'valibot';
import { Command, Ref } from '../../shared/contract/commands.ts';
import { closeCodes, Refusal } from '../../shared/contract/errors.ts';
import {
  isOtherFrame,
  type OtherFrame,
  type OtherFrameName,
  otherClientFrames,
} from '../../shared/contract/frame-lists.ts';
import type { RoomOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Watch } from '../../shared/contract/people.ts';
import type { MarkRead } from '../../shared/contract/read-marks.ts';
import type { Resume } from '../../shared/contract/resume.ts';
import { withTimeout } from '../../shared/timeout.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { newExpiry } from '../commands/dispatcher.ts';
import { closeCodeOf, closeReasonOf, toRefusal } from '../edge/refusals.ts';
import { TokenBucket } from '../edge/token-bucket.ts';
import { validate } from '../edge/validate.ts';
import type { SocketAttachment } from '../live/attached-user.ts';
import { type AttachContext, type AttachingSocket, attachSocket } from './attach-socket.ts';
import type { Authenticate } from './choose-authentication.ts';
import { type DepartingSocket, TAKES_COMMANDS_MS } from './departure.ts';
import { encodeAck, encodeError, encodeGoingAway, parseFrame } from './frame-codec.ts';
import type { Outbox, OutboxSocket } from './outbox.ts';
import { ResumeFrames, requestOf } from './resume-frames.ts';
import { SendingSocket } from './sending-socket.ts';
import type { TokenExpiries } from './token-expiries.ts';
import type { WaitingCommand, WaitingCommands } from './waiting-commands.ts';

/** What all connections of a gateway share. */
export interface ConnectionContext extends AttachContext {
  expiries: TokenExpiries;
  outbox: Outbox;
  waitingCommands: WaitingCommands;
}

/** uWebSockets.js copies these keys onto the socket, so none may equal one of its methods. */
export interface SocketData {
  connection: Connection;
}

/** What is known when the socket is upgraded. */
export interface UpgradeData {
  authenticate: Authenticate;
  address: string;
  /** True if the client offered the subprotocol `rooms.v1`. */
  isV1: boolean;
  /** True if the socket resumes: it gets messages only after its `Resume` frames. */
  isResuming: boolean;
}

type Receiver<Name extends OtherFrameName> = (connection: Connection, frame: OtherFrame<Name>, bytes: number) => void;

/** A socket that is not attached after this time is closed. */
const ATTACH_TIMEOUT_MS = 9_000;
const UNKNOWN_EXPIRY = Number.POSITIVE_INFINITY;

/**
 * Owns one socket, from its open event to its close event. After the close event, every call does nothing.
 * A gateway has very many idle sockets, so a field that an idle socket does not need is undefined.
 */
export class Connection extends SendingSocket implements AttachingSocket, OutboxSocket, DepartingSocket {
  static readonly #receivers: { [Name in OtherFrameName]: Receiver<Name> } = {
    Resume: (connection, frame, bytes) => connection.#receiveResume(frame, bytes),
    MarkRead: (connection, frame, bytes) => connection.#receiveMark(frame, bytes),
    Watch: (connection, frame, bytes) => connection.#receiveWatch(frame, bytes),
    Typing: (connection, { roomId }) => connection.#context.gateway.liveRooms.type(connection, roomId),
  };
  attachment: SocketAttachment | undefined;
  /** When the token of the socket expires, in milliseconds since 1970. */
  tokenExpires = UNKNOWN_EXPIRY;
  /** Counts the frames until the socket is attached. Later, the bucket of its user counts them. */
  frameBucket: TokenBucket | undefined;
  lastFrameMs: number | undefined;
  readonly isV1: boolean;
  readonly #context: ConnectionContext;
  readonly #address: string;
  readonly #isResuming: boolean;
  /** Set while a socket that resumes attaches. */
  #resumeFrames: ResumeFrames | undefined;
  /** Set until the user is known: it contains the token. */
  #authenticate: Authenticate | undefined;
  #userId: string | undefined;
  /** The commands that wait while the socket attaches. Undefined afterwards. */
  #waiting: WaitingCommand[] | undefined = [];
  #commandBucket: TokenBucket | undefined;
  /** The number of commands without an outcome. */
  #pending = 0;
  constructor(context: ConnectionContext, { authenticate, address, isV1, isResuming }: UpgradeData) {
    super();
    this.#context = context;
    this.#address = address;
    this.isV1 = isV1;
    this.#isResuming = isResuming;
    if (isResuming) this.#resumeFrames = new ResumeFrames();
    this.#authenticate = authenticate;
  }

  /** Call this once, in the open event. */
  open(socket: WebSocket<SocketData>): void {
    this.setSocket(socket);
    this.#context.admission.countAddress(this.#address);
    void this.#start();
  }

  /** Sends an `Error` frame, and closes the socket with the close code for this refusal. */
  closeWithError(refusal: Refusal): void {
    this.send(encodeError(refusal));
    this.close(closeCodeOf(refusal), closeReasonOf(refusal));
  }

  get isSettled(): boolean {
    return this.#pending === 0 && this.unsentBytes === 0;
  }

  announceDeparture(): void {
    if (this.isV1) this.send(encodeGoingAway(TAKES_COMMANDS_MS));
  }

  closeForDeparture(): void {
    this.close(closeCodes.going_away, 'going away');
  }

  /** Call this once, while the socket attaches. */
  async findUser(): Promise<Bearer> {
    const { gateway, admission, expiries } = this.#context;
    await gateway.rateLimits.countRequest(this.#address);
    const bearer = (await this.#authenticate?.()) as Bearer;
    this.#authenticate = undefined;
    admission.checkUser(bearer.userId);
    if (this.closed) throw new Refusal('unavailable');
    this.#userId = bearer.userId;
    this.tokenExpires = bearer.expires;
    admission.countUser(bearer.userId);
    expiries.watch(bearer.expires);
    return bearer;
  }

  /** Handles a frame of the client. Sends an `Error`, or an `Ack` if the client uses `rooms.v1`. */
  receive(bytes: ArrayBuffer, isBinary: boolean): void {
    if (!this.#takeFrame()) return;
    if (this.#context.gateway.isStopping) this.lastFrameMs = performance.now();
    let frame: Record<string, unknown> = {};
    try {
      frame = parseFrame(bytes, isBinary);
      if (isOtherFrame(frame.command) && this.#knows(frame.command)) {
        this.#receiveOther(frame.command, frame, bytes.byteLength);
        return;
      }
      const command = validate(Command, frame);
      this.#takeCommand();
      this.#accept(command, frame.ref as string | undefined, bytes.byteLength);
    } catch (error) {
      this.#refuse(error, v.is(Ref, frame.ref) ? frame.ref : undefined);
    }
  }

  /** Counts a ping or a pong like any other frame. uWebSockets.js has answered the ping. */
  receiveControlFrame(): void {
    this.#takeFrame();
  }

  /** Without `rooms.v1` only `Resume` is known, so that its refusal has the reason. */
  #knows(name: OtherFrameName): boolean {
    return this.isV1 || name === 'Resume';
  }

  #receiveOther<Name extends OtherFrameName>(name: Name, frame: Record<string, unknown>, bytes: number): void {
    const receive: Receiver<Name> = Connection.#receivers[name];
    receive(this, validate(otherClientFrames[name], frame) as OtherFrame<Name>, bytes);
  }

  /** @throws Refusal `not_resuming`, `too_long`, `busy` or `rate_limited` */
  #receiveResume(resume: Resume, bytes: number): void {
    if (!this.#isResuming) throw new Refusal('not_resuming');
    const frames = this.#resumeFrames;
    const { gateway, waitingCommands } = this.#context;
    if (frames && !frames.isComplete) {
      // Counted like a command, so that the frames of all sockets that attach have a bound.
      waitingCommands.add(this.#waiting ?? [], { bytes, submit: () => undefined });
      frames.add(resume);
      return;
    }
    this.#takeCommand();
    this.#whenAttached(bytes, () => {
      try {
        gateway.liveRooms.resume(this, requestOf(resume, gateway.epoch));
      } catch (error) {
        this.#refuse(error, undefined);
      }
    });
  }

  /** Ignores a mark in a room of which the user is not a member. @throws Refusal `busy` */
  #receiveMark({ roomId, seq }: MarkRead, bytes: number): void {
    this.#whenAttached(bytes, () => {
      const user = this.attachment?.user;
      if (user?.rooms.has(roomId)) this.#context.gateway.readMarks.add({ userId: user.id, roomId, seq });
    });
  }

  /** @throws Refusal `busy` */
  #receiveWatch({ rooms }: Watch, bytes: number): void {
    this.#whenAttached(bytes, () => this.#context.gateway.liveRooms.watch(this, rooms));
  }

  /** Calls `submit` at once, or when the socket is attached. @throws Refusal `busy` */
  #whenAttached(bytes: number, submit: () => void): void {
    if (this.#waiting) this.#context.waitingCommands.add(this.#waiting, { bytes, submit });
    else submit();
  }

  /** @throws Refusal `rate_limited` */
  #takeCommand(): void {
    this.#commandBucket ??= new TokenBucket(this.#context.gateway.config.SOCKET_RATE);
    if (!this.#commandBucket.take()) throw new Refusal('rate_limited', { retryAfter: 1 });
  }

  /** @param ref as the client wrote it: the answer repeats it @throws Refusal `busy` */
  #accept(command: Command, ref: string | undefined, bytes: number): void {
    const expiresAtMs = newExpiry();
    if (this.#waiting) {
      const submit = () => this.#submit(command, ref, expiresAtMs);
      this.#context.waitingCommands.add(this.#waiting, { bytes, submit });
      this.#pending++;
      return;
    }
    this.#pending++;
    this.#submit(command, ref, expiresAtMs);
  }

  #submit(command: Command, ref: string | undefined, expiresAtMs: number): void {
    if (this.closed) return;
    const refuse = (error: unknown) => {
      this.#pending--;
      this.#refuse(error, ref);
    };
    const { dispatcher, userRates } = this.#context.gateway;
    const userId = this.#userId as string;
    const send = () => dispatcher.submitThen(command, userId, (outcome) => this.#answer(outcome, ref), { expiresAtMs });
    try {
      const counting = userRates.countCommand(userId, command.command);
      if (counting) counting.then(send).catch(refuse);
      else send();
    } catch (error) {
      refuse(error);
    }
  }

  #answer(outcome: RoomOutcome, ref: string | undefined): void {
    this.#pending--;
    if ('code' in outcome) this.#refuse(new Refusal(outcome.code), ref);
    else if (this.isV1) this.#context.outbox.add(this, encodeAck(outcome, ref));
  }

  #refuse(error: unknown, ref: string | undefined): void {
    const { gateway, outbox } = this.#context;
    outbox.add(this, encodeError(toRefusal(error, gateway.log), ref));
  }

  /** Call this once, in the close event. */
  handleClose(): void {
    const { gateway, admission, waitingCommands } = this.#context;
    this.setSocket(undefined);
    this.#resumeFrames?.close();
    admission.uncountAddress(this.#address);
    if (this.#waiting) waitingCommands.take(this.#waiting);
    if (this.#userId === undefined) return;
    admission.uncountUser(this.#userId);
    gateway.liveRooms.detach(this);
  }

  /** Closes the socket and returns false if it has sent too many frames, together with the other sockets of its user. */
  #takeFrame(): boolean {
    const owner = this.attachment?.user ?? this;
    owner.frameBucket ??= new TokenBucket(this.#context.gateway.config.SOCKET_RATE * limits.FRAMES_PER_COMMAND);
    if (owner.frameBucket.take()) return true;
    this.closeWithError(new Refusal('rate_limited', { retryAfter: limits.BURST_SECONDS }));
    return false;
  }

  /** Attaches the socket, and then submits its commands. A failure closes the socket. */
  async #start(): Promise<void> {
    const { gateway, waitingCommands } = this.#context;
    try {
      const attached = attachSocket(this, this.#context, this.#resumeFrames);
      await withTimeout(attached, ATTACH_TIMEOUT_MS, () => new Refusal(this.#timeoutCode));
    } catch (error) {
      this.closeWithError(toRefusal(error, gateway.log));
    }
    const commands = waitingCommands.take(this.#waiting ?? []);
    this.#waiting = undefined;
    this.#resumeFrames = undefined;
    for (const { submit } of commands) submit();
  }

  get #timeoutCode(): 'resume_missing' | 'unavailable' {
    const isWaiting = this.#userId !== undefined && this.#resumeFrames?.isComplete === false;
    return isWaiting ? 'resume_missing' : 'unavailable';
  }
}
