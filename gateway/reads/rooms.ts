import type { Database } from '../../shared/database.ts';

const MOST_USERS = 100;

export interface Room {
  id: string;
  createdAt: Date;
  updatedAt: Date;
  name: string;
  ownerId: string | null;
  roomType: string;
  /** The first hundred who came in. */
  users: { id: string; firstName: string; lastName: string }[];
}

/** A room is visible to its members, and to everyone if it is not private. */
export function visibleTo(database: Database, userId: string) {
  return database`
    deleted_at is null and (room_type <> 'Private' or exists (select from memberships where room_id = rooms.id and user_id = ${userId}))`;
}

export function roomReads(database: Database) {
  const room = database`
    id, created_at, updated_at, name, owner_id, room_type, (
      select coalesce(json_agg(json_build_object('id', u.id, 'firstName', u.first_name, 'lastName', u.last_name)), '[]')
      from (
        select users.id, first_name, last_name
        from memberships join users on users.id = user_id
        where room_id = rooms.id order by memberships.created_at, users.id limit ${MOST_USERS}
      ) u
    ) as users
    from rooms`;

  return {
    /** The rooms that this user may see: his own first, then the others by name. @param page from 1 */
    rooms(userId: string, page: number, size: number): Promise<Room[]> {
      const isOwn = database`exists (select from memberships where room_id = rooms.id and user_id = ${userId})`;
      const last = page * size;
      // The others are taken from their index in its order, so that not all of them are read for a page.
      return database<Room[]>`
        select ${room} join (
          select room_id, false as other from memberships where user_id = ${userId}
          union all
          (select id, true from rooms where room_type <> 'Private' and deleted_at is null and not ${isOwn}
            order by name, id limit ${last})
        ) seen on seen.room_id = rooms.id
        order by other, name, id limit ${size} offset ${last - size}`;
    },

    async room(id: string, userId: string): Promise<Room | undefined> {
      const [row] = await database<Room[]>`select ${room} where id = ${id} and ${visibleTo(database, userId)}`;
      return row;
    },
  };
}
