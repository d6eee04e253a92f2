import type { Events } from './events.ts';
import { endsMembership, startsMembership } from './positions.ts';
import type { ClientFrame, Frame, Message, Presence } from './protocol.ts';

/** The gateway drops a second `Typing` frame that comes within two seconds. */
const TYPING_EVERY_MS = 3_000;
const TYPING_SHOWN_MS = 5_000;

/** What the people of a room need from the client. */
export interface PeopleSource {
  readonly userId: string | undefined;
  on: Events<PeopleEvents>['on'];
  sendFrame(frame: ClientFrame): boolean;
}

interface PeopleEvents {
  state: { reason: string };
  message: Message;
  frame: Frame;
  left: { roomId: string };
}

/** The people of one room. */
export interface PeopleOfRoom {
  /** The number of members who are online. */
  readonly online: number;
  /** Who is online: all, or in a room with more than 100 a part of them. */
  readonly users: ReadonlySet<string>;
  /** Who types now, without the own user. */
  readonly typing: ReadonlySet<string>;
}

/**
 * Who is online and who types in the rooms that the page shows. `subscribe` and `getSnapshot` fit `useSyncExternalStore`
 * of React.
 */
export class RoomPeople {
  readonly #source: PeopleSource;
  readonly #listeners = new Set<() => void>();
  readonly #offs: (() => void)[];
  readonly #typingEnds = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #sentAt = new Map<string, number>();
  #watched: readonly string[] = [];
  #rooms: ReadonlyMap<string, PeopleOfRoom> = new Map();

  /** Make it before the client connects. */
  constructor(source: PeopleSource) {
    this.#source = source;
    this.#offs = [
      source.on('state', ({ reason }) => reason === 'close' && this.close()),
      source.on('frame', (frame) => this.#receiveFrame(frame)),
      source.on('message', (message) => this.#receiveMessage(message)),
      source.on('left', ({ roomId }) => this.#forget(roomId)),
    ];
  }

  /** @param listener is called after each change @returns a function that removes the listener */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The watched rooms whose people are known. */
  readonly getSnapshot = (): ReadonlyMap<string, PeopleOfRoom> => this.#rooms;

  /** The page shows these rooms now, at most 20. They replace those of the last call. */
  watch(roomIds: readonly string[]): void {
    if (roomIds.join() === this.#watched.join()) return;
    this.#watched = [...roomIds];
    for (const roomId of this.#rooms.keys()) if (!roomIds.includes(roomId)) this.#forget(roomId);
    this.#sendWatched();
  }

  /** The user types in this room. Call it at each key: it sends one frame in three seconds. */
  typing(roomId: string): void {
    const now = performance.now();
    if (now - (this.#sentAt.get(roomId) ?? Number.NEGATIVE_INFINITY) < TYPING_EVERY_MS) return;
    if (this.#source.sendFrame({ command: 'Typing', roomId })) this.#sentAt.set(roomId, now);
  }

  close(): void {
    for (const timer of this.#typingEnds.values()) clearTimeout(timer);
    this.#typingEnds.clear();
    for (const off of this.#offs) off();
  }

  #receiveFrame(frame: Frame): void {
    if (frame.command === 'Welcome') this.#sendWatched();
    if (frame.command === 'Presence') this.#receivePresence(frame);
    if (frame.command === 'Typing') for (const userId of frame.users) this.#showTyping(frame.roomId, userId);
  }

  /** A late frame of a room that is not watched any more is ignored. */
  #receivePresence({ roomId, online, users, came = [], went = [] }: Presence): void {
    if (!this.#watched.includes(roomId)) return;
    const before = this.#rooms.get(roomId);
    const now = new Set(users ?? [...(before?.users ?? []), ...came]);
    for (const userId of went) now.delete(userId);
    this.#set(roomId, { online, users: now, typing: before?.typing ?? new Set() });
  }

  #receiveMessage(message: Message): void {
    const { roomId, userId, command } = message;
    const ownId = this.#source.userId;
    if (endsMembership(message, ownId)) this.#forget(roomId);
    // The gateway has forgotten that a user who left watched the room.
    else if (startsMembership(message, ownId) && this.#watched.includes(roomId)) this.#sendWatched();
    else if (command === 'CreateMessage') this.#endTyping(roomId, userId);
  }

  #showTyping(roomId: string, userId: string): void {
    const room = this.#rooms.get(roomId);
    if (!room || userId === this.#source.userId) return;
    const key = `${roomId} ${userId}`;
    clearTimeout(this.#typingEnds.get(key));
    this.#typingEnds.set(
      key,
      setTimeout(() => this.#endTyping(roomId, userId), TYPING_SHOWN_MS),
    );
    if (!room.typing.has(userId)) this.#set(roomId, { ...room, typing: new Set([...room.typing, userId]) });
  }

  #endTyping(roomId: string, userId: string): void {
    const key = `${roomId} ${userId}`;
    clearTimeout(this.#typingEnds.get(key));
    this.#typingEnds.delete(key);
    const room = this.#rooms.get(roomId);
    if (!room?.typing.has(userId)) return;
    this.#set(roomId, { ...room, typing: new Set([...room.typing].filter((id) => id !== userId)) });
  }

  #forget(roomId: string): void {
    if (this.#rooms.has(roomId)) this.#set(roomId, undefined);
  }

  #set(roomId: string, room: PeopleOfRoom | undefined): void {
    const rooms = new Map(this.#rooms);
    if (room) rooms.set(roomId, room);
    else rooms.delete(roomId);
    this.#rooms = rooms;
    for (const listener of this.#listeners) listener();
  }

  #sendWatched(): void {
    this.#source.sendFrame({ command: 'Watch', rooms: [...this.#watched] });
  }
}
