import type { Events } from './events.ts';
import { endsMembership, startsMembership } from './positions.ts';
import type { ClientFrame, Frame, Message, Welcome } from './protocol.ts';
import { type RoomUnread, UnreadRoom } from './unread-room.ts';

/** Marks of this time are sent together. */
const SEND_EVERY_MS = 1_000;

/** What the counts need from the client. */
export interface UnreadSource {
  readonly userId: string | undefined;
  on: Events<UnreadEvents>['on'];
  sendFrame(frame: ClientFrame): boolean;
}

interface UnreadEvents {
  state: { reason: string };
  message: Message;
  frame: Frame;
  resync: { roomId: string; seq: number };
  left: { roomId: string };
}

/**
 * How many messages of each room the user has not read, on any device. `subscribe` and `getSnapshot` fit
 * `useSyncExternalStore` of React.
 */
export class UnreadCounts {
  readonly #source: UnreadSource;
  readonly #rooms = new Map<string, UnreadRoom>();
  readonly #listeners = new Set<() => void>();
  readonly #offs: (() => void)[];
  /** The rooms whose mark is not sent yet. */
  readonly #unsent = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #epoch: string | undefined;
  #snapshot: ReadonlyMap<string, RoomUnread> | undefined;
  #isChanged = false;

  /** Make it before the client connects: it begins with the next `Welcome`. */
  constructor(source: UnreadSource) {
    this.#source = source;
    this.#offs = [
      source.on('state', ({ reason }) => reason === 'close' && this.close()),
      source.on('frame', (frame) => this.#receiveFrame(frame)),
      source.on('message', (message) => this.#receive(message)),
      source.on('resync', ({ roomId, seq }) => this.#update(roomId, (room) => room.skipTo(seq))),
      source.on('left', ({ roomId }) => this.#leave(roomId)),
    ];
  }

  /** @param listener is called after each change @returns a function that removes the listener */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The rooms of the user. */
  readonly getSnapshot = (): ReadonlyMap<string, RoomUnread> => {
    this.#snapshot ??= new Map([...this.#rooms].map(([id, room]) => [id, room.snapshot]));
    return this.#snapshot;
  };

  /** @returns the counts of a room, if the user is a member */
  of(roomId: string): RoomUnread | undefined {
    return this.#rooms.get(roomId)?.snapshot;
  }

  /** The user has seen the room up to this message. Call it as often as you like: one mark of a second is sent. */
  markRead(roomId: string, seq: number): void {
    const room = this.#rooms.get(roomId);
    if (!room || seq <= Math.max(room.mark, room.read)) return;
    room.setMark(seq);
    this.#sendLater(roomId);
    this.#change();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#send();
    for (const off of this.#offs) off();
  }

  #receiveFrame(frame: Frame): void {
    if (frame.command === 'Welcome') this.#welcome(frame);
    if (frame.command === 'Read') this.#update(frame.roomId, (room) => room.rebase(frame));
  }

  #welcome({ user, epoch, rooms }: Welcome): void {
    if (epoch !== this.#epoch) this.#rooms.clear();
    this.#epoch = epoch;
    const ids = new Set(rooms.map(({ id }) => id));
    for (const id of this.#rooms.keys()) if (!ids.has(id)) this.#rooms.delete(id);
    for (const each of rooms) {
      const { id, seq: head, read = head, unread = 0, mentions = 0 } = each;
      const room = this.#rooms.get(id);
      if (!room) this.#rooms.set(id, new UnreadRoom(user.id, each));
      else if (read >= room.read) room.rebase({ seq: read, head, unread, mentions });
      // A later membership does not remember the marks of an earlier one.
      else this.#rooms.set(id, new UnreadRoom(user.id, each));
      // The gateway may have ended before it had the mark.
      if (room && room.mark > read) this.#sendLater(id);
    }
    this.#change();
  }

  #receive(message: Message): void {
    const { roomId, seq } = message;
    const { userId } = this.#source;
    if (endsMembership(message, userId)) return void this.#leave(roomId);
    const isNew = startsMembership(message, userId) && seq > (this.#rooms.get(roomId)?.read ?? 0);
    if (isNew && userId) this.#rooms.set(roomId, new UnreadRoom(userId, { id: roomId, seq }));
    this.#update(roomId, (room) => room.receive(message));
  }

  #leave(roomId: string): void {
    this.#rooms.delete(roomId);
    this.#change();
  }

  #update(roomId: string, update: (room: UnreadRoom) => void): void {
    const room = this.#rooms.get(roomId);
    if (!room) return;
    update(room);
    // The answer to a mark is `Read`, also if the mark is not new.
    if (room.isStale) this.#sendLater(roomId);
    this.#change();
  }

  #sendLater(roomId: string): void {
    this.#unsent.add(roomId);
    this.#timer ??= setTimeout(() => this.#send(), SEND_EVERY_MS);
  }

  #send(): void {
    this.#timer = undefined;
    for (const roomId of this.#unsent) {
      const room = this.#rooms.get(roomId);
      if (!room) continue;
      this.#source.sendFrame({ command: 'MarkRead', roomId, seq: Math.max(room.mark, room.read) });
    }
    this.#unsent.clear();
  }

  #change(): void {
    this.#snapshot = undefined;
    // Many changes in one turn are one notification.
    if (!this.#isChanged) queueMicrotask(() => this.#notify());
    this.#isChanged = true;
  }

  #notify(): void {
    this.#isChanged = false;
    for (const listener of [...this.#listeners]) listener();
  }
}
