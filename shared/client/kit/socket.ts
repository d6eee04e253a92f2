import { once } from 'node:events';
import * as v from 'valibot';
import type { RawData, WebSocket } from 'ws';
import { Command } from '../../contract/commands.ts';
import { type ErrorCode, Refusal } from '../../contract/errors.ts';
import type { Ack, ErrorFrame, Welcome } from '../../contract/frames.ts';
import { limits } from '../../contract/limits.ts';
import type { Message } from '../../contract/messages.ts';
import { Resume } from '../../contract/resume.ts';
import type { Observer } from './observer.ts';
import { type Position, replayOf } from './replay.ts';
import type { KitRoom, KitUser } from './room.ts';
import { historyOf } from './rows.ts';
import type { World } from './world.ts';

/** The rooms of a `Welcome` frame. */
const MAX_ROOMS_OF_WELCOME = 200;

/** The server that has the socket. */
export interface SocketContext {
  world: World;
  observer: Observer;
  welcomeSize: number | undefined;
  unknownFields: object;
  resumeRefusals: number;
  maxReplayed: number | undefined;
  isReplayLost: boolean;
  receive(command: Command, socket: KitSocket): void;
  ended(): void;
  changed(): void;
}

/** A socket of the client. It behaves like a gateway, except where a case of the kit wants a fault. */
export class KitSocket {
  readonly openedMs = performance.now();
  closedMs: number | undefined;
  /** The positions of the client, when its last `Resume` frame has arrived. */
  positions: Record<string, number> | undefined;
  /** The number of `Resume` frames that the socket attached with. */
  resumeFrames = 0;
  /** The socket sends this number of messages and keeps the others, until {@link release}. */
  maxMessages = Number.POSITIVE_INFINITY;
  readonly #server: SocketContext;
  readonly #ws: WebSocket;
  readonly #user: KitUser;
  readonly #name: string;
  readonly #listed = new Map<string, number>();
  /** For each live room, the seq of the last message that was sent or lost. */
  readonly #sent = new Map<string, number>();
  #waiting: object[] = [];
  #messages = 0;
  #lost = 0;

  constructor(server: SocketContext, ws: WebSocket, user: KitUser, number: number) {
    this.#name = `socket ${number}`;
    this.#server = server;
    this.#ws = ws;
    this.#user = user;
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary));
    ws.on('close', () => this.#end());
    ws.on('error', () => this.cut());
  }

  get isOpen(): boolean {
    return this.closedMs === undefined;
  }

  send(frame: object): void {
    this.#waiting.push(frame);
    this.#flush();
  }

  /** Sends what {@link maxMessages} has kept. */
  release(): void {
    this.maxMessages = Number.POSITIVE_INFINITY;
    this.#flush();
  }

  /** The next messages of every room do not reach the client. */
  loseMessages(count: number): void {
    this.#lost = count;
  }

  /** Commits the command, as a gateway does. */
  commit(command: Command): Ack {
    const { id, roomId, seq } = this.#server.world.apply(this.#user.id, command);
    return { command: 'Ack', ...(command.ref && { ref: command.ref }), id, roomId, seq };
  }

  refuse(code: ErrorCode, { ref }: { ref?: string | undefined }, more: Record<string, unknown> = {}): void {
    const refusal = new Refusal(code);
    const { retryAfter } = refusal;
    const frame: ErrorFrame = { command: 'Error', ...refusal.toAnswer(), ...(retryAfter && { retryAfter }) };
    this.send({ ...frame, ...(ref && { ref }), ...more });
  }

  /** Resolves when the client has answered a ping. */
  async ping(): Promise<void> {
    this.#ws.ping();
    await once(this.#ws, 'pong');
  }

  sendHeads(): void {
    this.send({ command: 'Heads', rooms: Object.fromEntries(this.#sent) });
  }

  /** Ends the connection without a close frame. */
  cut(): void {
    this.#end();
    this.#ws.terminate();
  }

  close(code: number, reason: string): void {
    this.#end();
    this.#ws.close(code, reason);
  }

  /** Sends a new message of a room, if the user is a member. */
  deliver(room: KitRoom, row: Message): void {
    if (!this.positions || !this.isOpen) return;
    const { command, targetId, userId } = row;
    const isAdded = command === 'AddUser' ? targetId === this.#user.id : command === 'CreateRoom';
    if (isAdded && (command === 'AddUser' || userId === this.#user.id)) this.#sent.set(room.id, row.seq - 1);
    if (!this.#sent.has(room.id)) return;
    this.#sent.set(room.id, row.seq);
    if (this.#lost > 0) this.#lost--;
    else this.send(row);
    if (command === 'DeleteRoom' || (command === 'RemoveUser' && targetId === this.#user.id))
      this.#sent.delete(room.id);
  }

  #end(): void {
    if (!this.isOpen) return;
    this.closedMs = performance.now();
    this.#server.observer.note(`${this.#name} ends`);
    this.#server.ended();
  }

  #flush(): void {
    while (this.isOpen && this.#waiting.length > 0) {
      const [frame] = this.#waiting as [object];
      const isMessage = 'seq' in frame && 'userId' in frame;
      if (isMessage && this.#messages >= this.maxMessages) return;
      this.#waiting.shift();
      if (isMessage) this.#messages++;
      this.#server.observer.sent(frame);
      this.#server.observer.note(`${this.#name}, kit to client`, frame);
      this.#ws.send(JSON.stringify(frame));
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (!this.isOpen) return;
    const bytes = data as Buffer;
    const { observer } = this.#server;
    observer.note(`${this.#name}, client to kit`, bytes.toString());
    if (isBinary) observer.broken('the client sent a binary frame');
    if (bytes.length > limits.MAX_FRAME_BYTES) observer.broken(`the client sent a frame of ${bytes.length} bytes`);
    const frame = JSON.parse(bytes.toString());
    const { success, output, issues } = v.safeParse(frame.command === 'Resume' ? Resume : Command, frame);
    if (!success) observer.broken(`the client sent a wrong frame: ${bytes}: ${issues[0].message}`);
    else if (output.command !== 'Resume') this.#server.receive(output, this);
    else if (!this.positions) this.#collect(output);
    else if (this.#server.resumeRefusals-- > 0) this.refuse('rate_limited', {}, { retryAfter: 1 });
    else this.#resumeRooms(output);
    this.#server.changed();
  }

  #collect({ rooms, epoch, most, more }: Resume): void {
    this.resumeFrames++;
    for (const [roomId, seq] of Object.entries(rooms)) this.#listed.set(roomId, seq);
    if (!more) this.#attach(epoch, most);
  }

  #attach(epoch: string | undefined, most: number | undefined): void {
    const { world, observer } = this.#server;
    observer.resumed(epoch, this.#listed, true);
    this.positions = Object.fromEntries(this.#listed);
    this.#welcome();
    if (this.#server.isReplayLost) return;
    const own = world.roomsOf(this.#user.id).map(({ id }) => id);
    for (const roomId of new Set([...own, ...this.#listed.keys()]))
      this.#replay(roomId, { seq: this.#listed.get(roomId), isSameEpoch: epoch === world.epoch, most });
    this.send({ command: 'Resumed' });
  }

  /** On an open socket, for some rooms. */
  #resumeRooms({ rooms, epoch, most }: Resume): void {
    this.#server.observer.resumed(epoch, new Map(Object.entries(rooms)), false);
    const isSameEpoch = epoch === this.#server.world.epoch;
    for (const [roomId, seq] of Object.entries(rooms)) this.#replay(roomId, { seq, isSameEpoch, most });
    this.send({ command: 'Resumed' });
  }

  #replay(roomId: string, position: Position): void {
    const { world } = this.#server;
    const most = this.#server.maxReplayed ?? position.most;
    const { frames, sent } = replayOf(world.rooms.get(roomId), roomId, this.#user.id, { ...position, most });
    if (sent === undefined) this.#sent.delete(roomId);
    else this.#sent.set(roomId, sent);
    for (const frame of frames) this.send(frame);
  }

  #welcome(): void {
    const { world, welcomeSize = MAX_ROOMS_OF_WELCOME } = this.#server;
    const rooms = world.roomsOf(this.#user.id).map((room) => {
      const since = world.membership(room, this.#user.id)?.first ?? 0;
      // Nobody marks a room of the kit as read, or mentions anybody.
      const unread = historyOf(room).filter(({ seq }) => seq > since).length;
      const counts = { since, read: since, unread, mentions: 0 };
      return { id: room.id, seq: room.rows.length, name: room.name, roomType: room.roomType, ...counts };
    });
    do {
      const part = rooms.splice(0, welcomeSize);
      const { epoch } = world;
      const welcome: Welcome = { command: 'Welcome', user: { id: this.#user.id }, rooms: part, epoch };
      this.send({ ...welcome, ...(rooms.length > 0 && { more: true }), ...this.#server.unknownFields });
    } while (rooms.length > 0);
  }
}
