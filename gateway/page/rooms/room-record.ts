import type { Person, RoomType } from '../../../shared/client/protocol.ts';

/** A room, as `GET /api/rooms` returns it. */
export interface RoomRecord {
  id: string;
  name: string;
  /** The id of the room itself, if nobody owns it. */
  ownerId: string;
  roomType: RoomType;
  users: Person[];
}
