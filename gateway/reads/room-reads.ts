import type { Room } from '../../shared/contract/answers.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';

/** A room as stored. Its users have no `isOnline`. */
export type StoredRoom = Omit<Room, 'users'> & { users: Omit<Room['users'][number], 'isOnline'>[] };

export function roomReads(database: Database) {
  /** The columns of a room, for a query with a table or an alias `room`. The users who joined first come first. */
  const columns = (maxUsers: number) => database`
    room.id, room.created_at, room.updated_at, room.name, room.owner_id, room.room_type, (
      select coalesce(
        json_agg(
          json_build_object('id', u.id, 'firstName', u.first_name, 'lastName', u.last_name) order by m.created_at, u.id
        ),
        '[]')
      from (
        select created_at, user_id from memberships where room_id = room.id order by created_at, user_id limit ${maxUsers}
      ) m join users u on u.id = m.user_id
    ) as users`;

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
        select ${columns(limits.MAX_USERS_OF_LISTED_ROOM)}
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
        select ${columns(limits.MAX_USERS_OF_ROOM)} from visible_rooms(${viewerId}) room where room.id = ${id}`;
      return row;
    },
  };
}
