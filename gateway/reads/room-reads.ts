import type { Room } from '../../shared/contract/answers.ts';
import type { Database } from '../../shared/database.ts';

/** Users that a room shows, by itself and in a list. */
const MOST_USERS = 100;
const MOST_LISTED = 10;

/** A room as it is stored: without who is online. */
export type StoredRoom = Omit<Room, 'users'> & { users: Omit<Room['users'][number], 'isOnline'>[] };

/** A room is visible to its members, and to everyone if it is not private. */
export function visibleTo(database: Database, userId: string) {
  return database`
    deleted_at is null and (room_type <> 'Private' or exists (select from memberships where room_id = rooms.id and user_id = ${userId}))`;
}

export function roomReads(database: Database) {
  const room = (users: number) => database`
    id, created_at, updated_at, name, owner_id, room_type, (
      select coalesce(
        json_agg(json_build_object('id', u.id, 'firstName', first_name, 'lastName', last_name) order by m.created_at, u.id),
        '[]')
      from (
        select created_at, user_id from memberships where room_id = rooms.id order by created_at, user_id limit ${users}
      ) m join users u on u.id = m.user_id
    ) as users
    from rooms`;

  return {
    /** The rooms that this user may see: his own first, then the others by name. @param page from 1 */
    rooms(userId: string, page: number, size: number): Promise<StoredRoom[]> {
      const isOwn = database`exists (select from memberships where room_id = rooms.id and user_id = ${userId})`;
      const last = page * size;
      // The others are taken from their index in its order, so that not all of them are read for a page.
      return database<StoredRoom[]>`
        select ${room(MOST_LISTED)} join (
          select seen.id as seen_id, row_number() over (order by other, name, seen.id) as place
          from (
            select rooms.id, name, false as other from memberships join rooms on rooms.id = room_id where user_id = ${userId}
            union all
            (select id, name, true from rooms where room_type <> 'Private' and deleted_at is null and not ${isOwn}
              order by name, id limit ${last})
          ) seen
          order by place limit ${size} offset ${last - size}
        ) page on seen_id = id
        order by place`;
    },

    /** Whether this user may see the room and what is said there. */
    async isVisible(roomId: string, userId: string): Promise<boolean> {
      const rows = await database`select from rooms where id = ${roomId} and ${visibleTo(database, userId)}`;
      return rows.length > 0;
    },

    async room(id: string, userId: string): Promise<StoredRoom | undefined> {
      const [row] = await database<
        StoredRoom[]
      >`select ${room(MOST_USERS)} where id = ${id} and ${visibleTo(database, userId)}`;
      return row;
    },
  };
}
