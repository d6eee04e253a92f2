import { endsMembership, startsMembership } from './positions.ts';
import type { Message, RoomType, Welcome } from './protocol.ts';

/** A room of the user. The fields are undefined in a room that is new since the last connection. */
export interface KnownRoom {
  name?: string | undefined;
  roomType?: RoomType | undefined;
}

/** The rooms of which the user is a member. */
export class KnownRooms {
  readonly #rooms = new Map<string, KnownRoom>();

  get all(): ReadonlyMap<string, KnownRoom> {
    return this.#rooms;
  }

  welcome({ rooms }: Welcome): void {
    this.#rooms.clear();
    for (const { id, name, roomType } of rooms) this.#rooms.set(id, { name, roomType });
  }

  leave(roomId: string): void {
    this.#rooms.delete(roomId);
  }

  /** @returns true if the message has changed the rooms */
  receive(message: Message, userId: string | undefined): boolean {
    const { roomId, name } = message;
    if (endsMembership(message, userId)) return this.#rooms.delete(roomId);
    if (!name && !startsMembership(message, userId)) return false;
    this.#rooms.set(roomId, { ...this.#rooms.get(roomId), ...(name && { name }) });
    return true;
  }
}
