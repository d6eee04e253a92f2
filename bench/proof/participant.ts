import { randomUUID } from 'node:crypto';
import type { CommandName } from '../../shared/contract/commands.ts';
import type { Account } from '../accounts.ts';
import { encodeText, RawSocket } from '../raw-socket.ts';
import type { ChatUser } from './chat-user.ts';
import { isFinal } from './command-rules.ts';
import type { SentCommand } from './history.ts';
import { Positions } from './positions.ts';
import type { Recorder } from './recorder.ts';
import { ResumedPositions } from './resumed-positions.ts';
import { sendAgainAfterMs } from './send-again.ts';

const RECONNECT_AFTER_MS = 100;
/** Close codes from 4100 ask for a longer wait. */
const UNAVAILABLE_AFTER_MS = 1_000;
/** A socket that has no Welcome then is a fault of Rooms: an attach takes 10 seconds at most. */
const WELCOME_TIMEOUT_MS = 15_000;
/** Rooms promises an outcome within 15 seconds. */
const SILENT_COMMAND_MS = 17_000;

export interface ParticipantOptions {
  account: Account;
  recorder: Recorder;
  /** The gateways. After each close, the participant goes to the next one. */
  urls: string[];
  firstUrl: number;
  /** True if the gateway sends what was missed. Otherwise the participant reads it from the history. */
  resumes: boolean;
}

interface Frame {
  command: CommandName | 'Welcome' | 'Ack' | 'Error' | 'GoingAway' | 'Resumed' | 'Resync' | 'Left' | 'Heads';
  ref: string;
  code: string;
  roomId: string;
  id: string;
  seq: number;
  targetId: string;
  rooms: { id: string; seq: number }[];
  epoch: string;
  more?: boolean;
}

interface OpenCommand {
  command: SentCommand;
  sentAtMs: number;
  /** The connection that may still bring the outcome. */
  connection: number | undefined;
  /** How often the command was refused, without an effect of its own. */
  refusals: number;
}

/**
 * A user with one socket, who behaves as docs/protocol.md asks: reconnects to the next gateway, reads what was missed,
 * and sends each command without an outcome again, with the same ref. Records everything.
 */
export class Participant implements ChatUser {
  readonly account: Account;
  readonly ownMessages: { id: string; roomId: string }[] = [];
  readonly #options: ParticipantOptions;
  readonly #open = new Map<string, OpenCommand>();
  readonly #positions: Positions;
  /** Undefined if the participant does not resume. */
  readonly #resumed: ResumedPositions | undefined;
  /** The rooms of the parts of a Welcome. */
  #welcome: Frame['rooms'] = [];
  #socket: RawSocket | undefined;
  #connection = 0;
  #place: number;
  #isAttached = false;
  /** True if the gateway has sent everything that was missed. */
  #isLive = false;
  /** True from the connect until the Welcome or the close. */
  #isOpening = false;
  #isLeaving = false;
  #isStopped = false;
  #timers = new Set<NodeJS.Timeout>();

  constructor(options: ParticipantOptions) {
    this.#options = options;
    this.account = options.account;
    this.#place = options.firstUrl;
    this.#positions = new Positions(options.account, options.recorder, () => this.#url);
    if (options.resumes) this.#resumed = new ResumedPositions(options.account.id);
    this.#connect();
  }

  get isAttached(): boolean {
    return this.#isAttached && !this.#isLeaving;
  }

  get isLive(): boolean {
    return this.#isAttached && this.#isLive;
  }

  get connection(): number {
    return this.#connection;
  }

  get openCommands(): number {
    return this.#open.size;
  }

  has(roomId: string, seq: number): boolean {
    return (this.#resumed ?? this.#positions).has(roomId, seq);
  }

  send(command: Omit<SentCommand, 'ref'>): void {
    this.#send({ ...command, ref: randomUUID() });
  }

  sendSilentAgain(): void {
    if (!this.isAttached) return;
    const sentBefore = performance.now() - SILENT_COMMAND_MS;
    for (const { command, sentAtMs } of this.#open.values()) if (sentAtMs < sentBefore) this.#send(command);
  }

  pauseReading(): void {
    this.#socket?.pause();
  }

  resumeReading(): void {
    this.#socket?.resume();
  }

  stop(): void {
    this.#isStopped = true;
    this.#positions.close();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#socket?.destroy();
  }

  get #url(): string {
    const { urls } = this.#options;
    return urls[this.#place % urls.length] as string;
  }

  #connect(): void {
    const { recorder, account } = this.#options;
    const connection = recorder.nextConnection();
    this.#connection = connection;
    this.#isAttached = false;
    this.#isLive = !this.#resumed;
    this.#isOpening = true;
    this.#isLeaving = false;
    this.#welcome = [];
    const socket: RawSocket = new RawSocket({
      url: this.#url,
      ...(this.#resumed && { path: '/api/ws?resume=true' }),
      token: account.token,
      onOpen: () => {
        for (const frame of this.#resumed?.frames() ?? []) socket.send(encodeText(frame));
      },
      onFrame: (bytes, start, end) => {
        if (!this.#isStopped) this.#receive(connection, JSON.parse(bytes.toString('utf8', start, end)));
      },
      onClose: (reason) => this.#handleClose(connection, reason),
    });
    this.#socket = socket;
    this.#later(WELCOME_TIMEOUT_MS, () => {
      if (this.#connection !== connection || !this.#isOpening) return;
      recorder.record({ kind: 'late', connection });
      socket.destroy();
    });
  }

  #receive(connection: number, frame: Frame): void {
    const { recorder } = this.#options;
    const { command, ref, code, roomId, seq, targetId } = frame;
    if (command === 'Welcome') this.#receiveWelcome(connection, frame);
    else if (command === 'Ack') {
      recorder.record({ kind: 'acked', connection, ref, roomId, seq });
      this.#complete(ref, frame);
    } else if (command === 'Error') this.#receiveError(connection, ref, code);
    else if (command === 'GoingAway') this.#leave();
    else if (command === 'Left') this.#resumed?.leave(roomId);
    else if (command === 'Resync') {
      recorder.record({ kind: 'resynced', connection, roomId, seq });
      this.#resumed?.resync(roomId, seq);
    } else if (command === 'Resumed') this.#isLive = true;
    else if (command !== 'Heads') {
      recorder.record({ kind: 'got', connection, roomId, seq, command, targetId });
      (this.#resumed ?? this.#positions).receive({ roomId, seq, command, targetId });
    }
  }

  #receiveWelcome(connection: number, { rooms, epoch, more }: Frame): void {
    this.#welcome.push(...rooms);
    if (more) return;
    const { recorder, account } = this.#options;
    const ids = new Set(recorder.rooms.map(({ id }) => id));
    const own = this.#welcome.filter(({ id }) => ids.has(id));
    if (this.#resumed) {
      const heads = this.#resumed.open(epoch, own);
      recorder.record({ kind: 'opened', connection, userId: account.id, heads, isResumed: true, epoch });
    } else {
      const heads = new Map(own.map(({ id, seq }) => [id, seq]));
      recorder.record({ kind: 'opened', connection, userId: account.id, heads, epoch });
      this.#positions.open(heads);
    }
    this.#isAttached = true;
    this.#isOpening = false;
    for (const open of this.#open.values()) if (open.connection === undefined) this.#send(open.command);
  }

  #receiveError(connection: number, ref: string | undefined, code: string): void {
    const open = ref && this.#open.get(ref);
    if (!open) return;
    this.#options.recorder.record({ kind: 'refused', connection, ref, code });
    if (isFinal(code)) this.#complete(ref);
    else {
      open.connection = undefined;
      this.#later(sendAgainAfterMs(open.refusals++), () => this.#sendAgain(ref));
    }
  }

  #complete(ref: string, ack?: Frame): void {
    const open = this.#open.get(ref);
    this.#open.delete(ref);
    if (ack && open?.command.command === 'CreateMessage') this.ownMessages.push({ id: ack.id, roomId: ack.roomId });
    if (this.#isLeaving && this.#open.size === 0) this.#socket?.destroy();
  }

  #sendAgain(ref: string): void {
    const open = this.#open.get(ref);
    if (open && open.connection === undefined && this.isAttached) this.#send(open.command);
  }

  #send(command: SentCommand): void {
    const connection = this.#connection;
    const refusals = this.#open.get(command.ref)?.refusals ?? 0;
    this.#open.set(command.ref, { command, sentAtMs: performance.now(), connection, refusals });
    this.#options.recorder.record({ kind: 'sent', connection, ...command });
    this.#socket?.send(encodeText(JSON.stringify(command)));
  }

  /** The gateway stops soon. The participant sends nothing more, and goes when each command has its outcome. */
  #leave(): void {
    this.#isLeaving = true;
    if (this.#open.size === 0) this.#socket?.destroy();
  }

  #handleClose(connection: number, reason: string): void {
    if (this.#isStopped) return;
    this.#options.recorder.record({ kind: 'closed', connection, reason });
    for (const open of this.#open.values()) if (open.connection === connection) open.connection = undefined;
    if (connection !== this.#connection) return;
    this.#isAttached = false;
    this.#isOpening = false;
    this.#positions.close();
    // A client that was offline at this moment does not know of it. So a user who resumes keeps the old positions.
    if (reason.includes('close code 4001')) this.#positions.reset();
    this.#place++;
    const pauseMs = /close code 41/.test(reason) ? UNAVAILABLE_AFTER_MS : RECONNECT_AFTER_MS;
    this.#later(pauseMs * (1 + Math.random()), () => this.#connect());
  }

  #later(afterMs: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isStopped) work();
    }, afterMs);
    this.#timers.add(timer);
  }
}
