import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';
import { recordColumns, type StoredRoom } from './record-columns.ts';

export function roomReads(database: Database) {
  return {
    /**
     * Returns the rooms that the viewer may see, by name. The rooms of which the viewer is a member come first.
     * @param page the first page is 1
     */
    rooms(viewerId: string, page: number, size: number): Promise<StoredRoom[]> {
      const isOwn = database`
        exists (select from memberships where room_id = room.id and user_id = ${viewerId})`;
      const last = page * size;
      // The other rooms are all rooms that are not private. The index rooms_open has them in the order of name and id.
      return database<StoredRoom[]>`
        select ${recordColumns(database, viewerId).room(limits.MAX_USERS_OF_LISTED_ROOM)}
        from (
          select seen.*, row_number() over (order by is_other, name, id) as position
          from (
            select room.*, false as is_other
            from memberships join visible_rooms(${viewerId}) room on room.id = room_id where user_id = ${viewerId}
            union all
            (select room.*, true from visible_rooms(${viewerId}) room where room_type <> 'Private' and not ${isOwn}
              order by name, id limit ${last})
          ) seen
          order by position limit ${size} offset ${last - size}
        ) room
        order by position`;
    },

    /** True if the viewer may see the room and its messages. */
    async isVisible(roomId: string, viewerId: string): Promise<boolean> {
      const rows = await database`select from visible_rooms(${viewerId}) where id = ${roomId}`;
      return rows.length > 0;
    },

    /** Returns a room, if the viewer may see this room. */
    async room(id: string, viewerId: string): Promise<StoredRoom | undefined> {
      const [row] = await database<StoredRoom[]>`
        select ${recordColumns(database, viewerId).room(limits.MAX_USERS_OF_ROOM)}
        from visible_rooms(${viewerId}) room where room.id = ${id}`;
      return row;
    },
  };
}
