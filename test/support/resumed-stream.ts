import type { Welcome } from '../../shared/contract/frames.ts';
import { type Message, membershipChange } from '../../shared/contract/messages.ts';
import type { Heads, Left, Resumed, Resync } from '../../shared/contract/resume.ts';
import type { LiveModel } from './live-model.ts';

/** What a client sent: the positions of this epoch or of another one. */
export interface SentResume {
  positions: ReadonlyMap<string, number>;
  isSameEpoch: boolean;
}

/** What one socket that resumes has seen and sent, in order. */
export type StreamEvent =
  | Message
  | Pick<Welcome, 'command' | 'rooms'>
  | Resumed
  | Resync
  | Left
  | Heads
  | ({ command: 'Resume' } & SentResume);

interface Period {
  first: number;
  end: number;
}

/** Follows the stream of a socket as a client does, and writes down each broken rule of the protocol. */
export class ResumedStream {
  readonly errors: string[] = [];
  /** The seq of the last message of each room. */
  readonly last = new Map<string, number>();
  isResumed = false;
  readonly #userId: string;
  readonly #model: LiveModel;
  #request: SentResume = { positions: new Map(), isSameEpoch: false };
  /** The rooms of which the client must get something: `Left`, `Resync` or a message. */
  readonly #unanswered = new Set<string>();

  constructor(userId: string, model: LiveModel) {
    this.#userId = userId;
    this.#model = model;
  }

  /** After `Resumed`, every room that was asked for has its answer. */
  get unanswered(): string[] {
    return [...this.#unanswered];
  }

  follow(event: StreamEvent): void {
    if ('seq' in event && 'userId' in event) this.#followMessage(event);
    else if (event.command === 'Resume') this.#followRequest(event);
    else if (event.command === 'Welcome') this.#followWelcome(event);
    else if (event.command === 'Resync') this.#set(event.roomId, event.seq);
    else if (event.command === 'Left') this.#followLeft(event.roomId);
    else if (event.command === 'Heads') this.#followHeads(event);
    else if (event.command === 'Resumed') this.isResumed = true;
  }

  #followRequest({ positions, isSameEpoch }: SentResume): void {
    this.#request = { positions, isSameEpoch };
    this.isResumed = false;
    for (const [roomId, seq] of positions) {
      if (isSameEpoch) this.last.set(roomId, seq);
      else this.last.delete(roomId);
      // A client with everything gets no answer. A message of the future may exist before the gateway looks.
      const head = this.#model.rooms.get(roomId)?.messages.length ?? 0;
      if (seq < head || !isSameEpoch) this.#unanswered.add(roomId);
    }
  }

  #followWelcome({ rooms }: Pick<Welcome, 'rooms'>): void {
    const { positions, isSameEpoch } = this.#request;
    for (const { id, seq, since = 0 } of rooms) {
      if (positions.has(id)) continue;
      this.last.set(id, isSameEpoch && since > 0 ? since - 1 : seq);
    }
  }

  #followMessage(message: Message): void {
    const { roomId, seq, id } = message;
    const change = membershipChange(message);
    const before = this.last.get(roomId);
    const begins = change?.userId === this.#userId && change.isMember;
    if (begins ? this.#misses(roomId, before, seq) : seq !== (before ?? Number.NaN) + 1)
      this.errors.push(`room ${roomId}: ${seq} after ${before}`);
    const stored = this.#model.rooms.get(roomId)?.messages[seq - 1]?.id;
    if (stored !== id) this.errors.push(`room ${roomId}: ${seq} is not stored`);
    const isMember = this.#periodsOf(roomId).some(({ first, end }) => first <= seq && seq <= end);
    if (!isMember) this.errors.push(`room ${roomId}: ${seq} is of a time in which the user was not a member`);
    this.#set(roomId, seq);
  }

  /** True if a jump leaves out a message of the membership in which the client was, or goes back. */
  #misses(roomId: string, before: number | undefined, seq: number): boolean {
    if (before === undefined) return false;
    return before >= seq || (this.#periodAt(roomId, before)?.first ?? seq) < seq;
  }

  /** Returns the membership of which a client at this seq misses something. */
  #periodAt(roomId: string, seq: number): Period | undefined {
    const periods = this.#periodsOf(roomId);
    if (periods.some(({ end }) => end === seq)) return undefined;
    return periods.find(({ first, end }) => first - 1 <= seq && seq < end);
  }

  #followLeft(roomId: string): void {
    const before = this.last.get(roomId);
    const { positions, isSameEpoch } = this.#request;
    const period = before === undefined ? undefined : this.#periodAt(roomId, before);
    if (period && positions.has(roomId) && isSameEpoch)
      this.errors.push(`room ${roomId}: Left at ${before}, before ${period.end}`);
    this.last.delete(roomId);
    this.#unanswered.delete(roomId);
  }

  #followHeads({ rooms }: Heads): void {
    for (const [roomId, seq] of Object.entries(rooms))
      if (this.last.get(roomId) !== seq)
        this.errors.push(`room ${roomId}: the head ${seq} after ${this.last.get(roomId)}`);
  }

  #set(roomId: string, seq: number): void {
    this.last.set(roomId, seq);
    this.#unanswered.delete(roomId);
  }

  /** The times in which the user was a member of a room. */
  #periodsOf(roomId: string): Period[] {
    const periods: Period[] = [];
    for (const message of this.#model.rooms.get(roomId)?.messages ?? []) {
      const change = membershipChange(message);
      const open = periods.at(-1)?.end === Number.POSITIVE_INFINITY ? periods.at(-1) : undefined;
      if (change?.userId === this.#userId && change.isMember)
        periods.push({ first: message.seq, end: Number.POSITIVE_INFINITY });
      else if (change && !change.isMember && open && [this.#userId, 'everyone'].includes(change.userId))
        open.end = message.seq;
    }
    return periods;
  }
}
