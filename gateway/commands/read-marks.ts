import type { RefusedOutcome } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { ReadMark } from '../../shared/contract/read-marks.ts';
import type { CommandDispatcher } from './dispatcher.ts';

/** The marks of this time are sent together. A user who scrolls marks many messages, and only the last mark counts. */
const SEND_EVERY_MS = 500;
/** After a failure, the marks are sent again after this time. */
const RETRY_AFTER_MS = 2_000;
/** To send more marks at once would stop the event loop for too long. */
const MAX_MARKS_AT_ONCE = 5_000;

/** With these codes, a mark may be stored later. A mark only moves forward, so it may be sent any number of times. */
const LATER: ReadonlySet<string> = new Set<RefusedOutcome['code']>([
  'busy',
  'unavailable',
  'expired',
  'unknown_outcome',
]);

/**
 * Collects the marks of sockets, and sends the last mark of each room. If this process ends before, its marks are lost:
 * the clients send them again after their next `Welcome`.
 */
export class ReadMarks {
  readonly #dispatcher: Pick<CommandDispatcher, 'markRead'>;
  /** The marks of each user, by room. The room with the oldest mark comes first. */
  readonly #waiting = new Map<string, Map<string, number>>();
  #size = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(dispatcher: Pick<CommandDispatcher, 'markRead'>) {
    this.#dispatcher = dispatcher;
  }

  /** The number of marks that are not sent. */
  get waiting(): number {
    return this.#size;
  }

  /** Keeps the mark until it is sent. Drops the oldest mark of the user, or this one, if too many marks wait. */
  add({ userId, roomId, seq }: ReadMark): void {
    if (this.#isClosed) return;
    const rooms = this.#waiting.get(userId) ?? new Map<string, number>();
    const earlier = rooms.get(roomId);
    if (earlier === undefined && !this.#makeSpace(rooms)) return;
    rooms.delete(roomId);
    rooms.set(roomId, Math.max(seq, earlier ?? 0));
    if (earlier === undefined) this.#size++;
    this.#waiting.set(userId, rooms);
    this.#timer ??= setTimeout(() => void this.#send(), SEND_EVERY_MS);
  }

  /** Drops the marks that wait, and every later one. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#waiting.clear();
    this.#size = 0;
  }

  #makeSpace(rooms: Map<string, number>): boolean {
    if (rooms.size >= limits.MAX_WAITING_MARKS_OF_USER) {
      rooms.delete(rooms.keys().next().value as string);
      this.#size--;
    }
    return this.#size < limits.MAX_WAITING_MARKS;
  }

  async #send(): Promise<void> {
    const stored = await Promise.all(this.#take().map((mark) => this.#sendMark(mark)));
    this.#timer = undefined;
    if (this.#size === 0) return;
    const delayMs = stored.every(Boolean) ? SEND_EVERY_MS : RETRY_AFTER_MS;
    this.#timer = setTimeout(() => void this.#send(), delayMs);
  }

  #take(): ReadMark[] {
    const taken: ReadMark[] = [];
    for (const [userId, rooms] of this.#waiting) {
      if (taken.length >= MAX_MARKS_AT_ONCE) break;
      for (const [roomId, seq] of rooms) taken.push({ userId, roomId, seq });
      this.#waiting.delete(userId);
      this.#size -= rooms.size;
    }
    return taken;
  }

  /** @returns false if the mark is not stored, and is sent again later */
  async #sendMark(mark: ReadMark): Promise<boolean> {
    const outcome = await this.#dispatcher.markRead(mark);
    if ('code' in outcome ? !LATER.has(outcome.code) : hasMoved(mark, outcome)) return true;
    this.add(mark);
    return false;
  }
}

/** False if another session had locked the membership. */
export function hasMoved({ seq }: Pick<ReadMark, 'seq'>, stored: { seq: number; head: number }): boolean {
  return stored.seq >= Math.min(seq, stored.head);
}
