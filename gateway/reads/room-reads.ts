import type { PendingQuery, Row } from 'postgres';
import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';
import { roomColumns, type StoredRoom } from './record-columns.ts';

export function roomReads(database: Database) {
  /** The SQL for the users that each room of a list shows. `listed` is the number of rooms in the list. */
  const usersOfListedRoom = database`
    greatest(1, least(${limits.MAX_USERS_OF_LISTED_ROOM}::bigint, ${limits.MAX_USERS_OF_LISTED_ROOMS}::bigint / listed))`;
  /** Joins one room by its id. Without the limit, a plan from the time of few rooms would read all rooms. */
  const roomOf = (viewerId: string, id: PendingQuery<Row[]>) => database`
    cross join lateral (select * from visible_rooms(${viewerId}) visible where visible.id = ${id} limit 1) room`;

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
        select ${roomColumns(database, usersOfListedRoom)}
        from (
          select paged.*, count(*) over () as listed
          from (
            select seen.*, row_number() over (order by is_other, name, id) as position
            from (
              select room.*, false as is_other
              from memberships ${roomOf(viewerId, database`room_id`)} where user_id = ${viewerId}
              union all
              (select room.*, true from visible_rooms(${viewerId}) room where room_type <> 'Private' and not ${isOwn}
                order by name, id limit ${last})
            ) seen
            order by position limit ${size} offset ${last - size}
          ) paged
        ) room
        order by position`;
    },

    /**
     * Returns the rooms of a user that the viewer may see, without the two rooms that always exist. If there are too
     * many rooms, the rooms that the user joined first are missing, so a client always finds the room that its user has
     * just joined.
     */
    roomsOfUser(userId: string, viewerId: string): Promise<StoredRoom[]> {
      return database<StoredRoom[]>`
        select ${roomColumns(database, usersOfListedRoom)}
        from (
          select latest.*, count(*) over () as listed
          from (
            select room.*, m.created_at as joined_at
            from memberships m ${roomOf(viewerId, database`m.room_id`)}
            where m.user_id = ${userId} and room.owner_id is not null order by m.created_at desc, room.id desc
            limit ${limits.MAX_ROOMS_OF_USER}
          ) latest
        ) room
        order by room.joined_at, room.id`;
    },

    /** Returns a room, if the viewer may see this room. */
    async room(id: string, viewerId: string): Promise<StoredRoom | undefined> {
      const [row] = await database<StoredRoom[]>`
        select ${roomColumns(database, database`${limits.MAX_USERS_OF_ROOM}`)}
        from visible_rooms(${viewerId}) room where room.id = ${id}`;
      return row;
    },
  };
}
