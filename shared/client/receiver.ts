import { Positions } from './positions.ts';
import type { ErrorFrame, Frame, Message, Resume, Welcome } from './protocol.ts';
import { isMessage } from './protocol.ts';

export interface ReceiverOptions {
  /** Replays longer than this number of messages become a `Resync`. */
  most: number | undefined;
  /** Sends a frame on the socket that is in use. */
  send(frame: object): void;
  /** True if the application cannot take a message now. */
  isFull(): boolean;
  /** The next message of its room. */
  onMessage(message: Message): void;
  onResync(roomId: string, seq: number): void;
  onLeft(roomId: string): void;
  /** False from a gap until the missing messages are there. */
  onRecovered(isLive: boolean, reason: string): void;
}

/** Puts the frames of one or two sockets into one stream for each room: each message once, in order, without a gap. */
export class Receiver {
  readonly positions = new Positions();
  readonly #options: ReceiverOptions;
  /** Rooms for which a `Resume` is on its way. */
  readonly #filling = new Set<string>();
  /** Rooms with messages that the application could not take. */
  readonly #behind = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /** @returns the first frames of a new socket */
  hello(): Resume[] {
    return this.#resume();
  }

  welcome(welcome: Welcome): void {
    this.#filling.clear();
    this.#behind.clear();
    this.positions.welcome(welcome);
  }

  /** Asks again for what the application could not take. */
  catchUp(): void {
    const rooms = [...this.#behind];
    this.#behind.clear();
    this.#fill(rooms, 'slow_reader');
  }

  /** @param isCurrent false for the old socket during a move. Only its messages count: the new one answers a later `Resume` */
  receive(frame: Frame, isCurrent: boolean): void {
    if (isMessage(frame)) return void this.#receiveMessage(frame);
    if (!isCurrent) return;
    if (frame.command === 'Left') this.#leave(frame.roomId);
    if (frame.command === 'Resync') this.#resync(frame.roomId, frame.seq);
    if (frame.command === 'Heads') this.#compare(frame.rooms);
    if (frame.command === 'Resumed') this.#resumed();
    if (frame.command === 'Error' && !frame.ref) this.#retryFilling(frame);
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #receiveMessage(message: Message): void {
    const { roomId, seq } = message;
    const verdict = this.positions.judge(message);
    if (verdict === 'known') return;
    if (this.#options.isFull()) {
      // A room that is new for the client is asked for from here on.
      if (verdict === 'jump' && this.positions.of(roomId) === undefined) this.positions.set(roomId, seq - 1);
      this.#behind.add(roomId);
      return;
    }
    if (verdict === 'gap') return void this.#fill([roomId], 'gap');
    const isReturn = verdict === 'jump' && this.positions.of(roomId) !== undefined;
    this.positions.advance(message);
    if (isReturn) this.#options.onResync(roomId, seq - 1);
    this.#options.onMessage(message);
  }

  #leave(roomId: string): void {
    this.positions.remove(roomId);
    this.#options.onLeft(roomId);
  }

  #resync(roomId: string, seq: number): void {
    this.#filling.delete(roomId);
    // The Welcome of another epoch has reported it already.
    if (this.positions.of(roomId) === seq) return;
    this.positions.set(roomId, seq);
    this.#options.onResync(roomId, seq);
  }

  #compare(heads: Record<string, number>): void {
    const behind = Object.keys(heads).filter((id) => (this.positions.of(id) ?? Infinity) < (heads[id] as number));
    this.#fill(behind, 'gap');
  }

  #resumed(): void {
    this.#filling.clear();
    this.#options.onRecovered(true, 'resumed');
  }

  #fill(roomIds: string[], reason: string): void {
    const rooms = roomIds.filter((id) => this.positions.of(id) !== undefined && !this.#filling.has(id));
    if (rooms.length === 0 || this.#options.isFull()) return;
    for (const id of rooms) this.#filling.add(id);
    this.#options.onRecovered(false, reason);
    for (const frame of this.#resume(rooms)) this.#options.send({ ...frame, more: undefined });
  }

  /** The gateway refused a `Resume`, for example as `rate_limited`. */
  #retryFilling({ retryAfter = 1 }: ErrorFrame): void {
    const rooms = [...this.#filling];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#filling.clear();
      this.#fill(rooms, 'gap');
    }, retryAfter * 1_000);
  }

  #resume(rooms?: string[]): Resume[] {
    return this.positions.resume(rooms).map((frame) => ({ ...frame, most: this.#options.most }));
  }
}
