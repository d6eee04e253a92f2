import type { Message, Read, WelcomeRoom } from './protocol.ts';

/** Counts of one room. It is immutable, and the same object until something changes. */
export interface RoomUnread {
  /** The user has read the messages up to this one, on any device. */
  read: number;
  /** The messages after it that the history shows. */
  unread: number;
  /** How many of these mention the user. The gateway counts up to 1,000. */
  mentions: number;
}

/** A message after the head of the last counts. */
interface Later {
  id: string;
  seq: number;
  isMention: boolean;
  /** The edit or deletion that changed `isMention`. */
  changedAt?: number;
}

const NOT_IN_HISTORY = new Set(['UpdateMessage', 'DeleteMessage', 'DeleteRoom']);
/** With more, the older half is added to the counts of the gateway. */
const MAX_LATER = 1_000;

/** The arithmetic of one room: counts of the gateway as of `head`, and the messages that came after it. */
export class UnreadRoom {
  /** The highest mark of this device, which the gateway may not have yet. */
  mark = 0;
  readonly #userId: string;
  #base: RoomUnread & { head: number };
  #later: Later[] = [];
  /** Counts of an earlier head are not right any more. */
  #neededHead = 0;
  #snapshot: RoomUnread | undefined;

  /** @param room as in `Welcome` */
  constructor(userId: string, { seq: head, read = head, unread = 0, mentions = 0 }: WelcomeRoom) {
    this.#userId = userId;
    this.#base = { head, read, unread, mentions };
  }

  get read(): number {
    return this.#base.read;
  }

  /** True if the gateway must count again. */
  get isStale(): boolean {
    return this.#base.head < this.#neededHead;
  }

  get snapshot(): RoomUnread {
    this.#snapshot ??= this.#count();
    return this.#snapshot;
  }

  /** Takes counts of the gateway. Ignores a mark that is older than the known one. */
  rebase({ seq: read, head, unread, mentions }: Omit<Read, 'command' | 'roomId'>): void {
    if (read < this.#base.read || (read === this.#base.read && head < this.#base.head)) return;
    // After a fold, messages between the two heads are not in `later`.
    this.#need(this.#base.head);
    for (const { seq, changedAt = 0 } of this.#later) if (seq <= head) this.#need(changedAt);
    this.#base = { read, head, unread, mentions };
    this.#later = this.#later.filter(({ seq }) => seq > head);
    this.#snapshot = undefined;
  }

  /** Some messages up to this one will not come. */
  skipTo(seq: number): void {
    this.#need(seq);
  }

  receive(message: Message): void {
    if (message.seq <= this.#base.head) return;
    if (NOT_IN_HISTORY.has(message.command)) return void this.#receiveChange(message);
    const { id, seq } = message;
    this.#later.push({ id, seq, isMention: this.#mentionsUser(message) });
    this.#snapshot = undefined;
    if (this.#later.length > MAX_LATER) this.#fold(MAX_LATER / 2);
  }

  setMark(seq: number): void {
    this.mark = seq;
    this.#snapshot = undefined;
  }

  #receiveChange(message: Message): void {
    const { command, targetId, text, seq } = message;
    if (command === 'UpdateMessage' && text === '') return;
    const target = this.#later.find(({ id }) => id === targetId);
    const isMention = this.#mentionsUser(message);
    if (target?.isMention !== isMention && target) Object.assign(target, { isMention, changedAt: seq });
    // Whether the counts contain the target is not known.
    if (!target && (isMention || this.#base.mentions > 0)) this.#need(seq);
    this.#snapshot = undefined;
  }

  #need(head: number): void {
    this.#neededHead = Math.max(this.#neededHead, head);
  }

  #mentionsUser({ mentions }: Message): boolean {
    return mentions?.includes(this.#userId) ?? false;
  }

  /** Until the gateway has the mark, only what came after it is known to be unread. */
  #count(): RoomUnread {
    const { head, read, unread, mentions } = this.#base;
    const isMarked = this.mark >= head && this.mark > read;
    const later = this.#later.filter(({ seq }) => seq > (isMarked ? this.mark : read));
    const ofLater = later.filter(({ isMention }) => isMention).length;
    if (isMarked) return { read: this.mark, unread: later.length, mentions: ofLater };
    return { read, unread: unread + later.length, mentions: mentions + ofLater };
  }

  #fold(count: number): void {
    const folded = this.#later.splice(0, count);
    this.#base.head = folded.at(-1)?.seq as number;
    this.#base.unread += folded.length;
    this.#base.mentions += folded.filter(({ isMention }) => isMention).length;
  }
}
