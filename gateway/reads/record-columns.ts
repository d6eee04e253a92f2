import type { PendingQuery, Row } from 'postgres';
import type { Room, UserOfRoom } from '../../shared/contract/answers.ts';
import type { Database } from '../../shared/database.ts';

// Postgres does not know who is online. The routes add `isOnline` (routes/records.ts).
/** A user as stored, without their rooms. */
export type StoredPerson = Omit<UserOfRoom, 'isOnline'>;
/** A room as stored, with the ids of the users that it shows. */
export type StoredRoom = Omit<Room, 'users'> & { userIds: string[] };

/**
 * The SQL for the columns of a {@link StoredPerson}, for a query with the table `users`.
 * @param knownEmail the text that the viewer typed. A user with exactly this e-mail address is shown with it.
 */
export function personColumns(database: Database, viewerId: string, knownEmail = '') {
  // This is a copy of the body of the SQL function is_admin. Postgres before 18 would plan a call of this function
  // again in each read.
  const isAdmin = database`
    exists (select from users viewer where viewer.id = ${viewerId} and has_admin_role(viewer.roles))`;
  return database`
    id, created_at, updated_at, first_name, last_name,
    visible_email(users, ${viewerId}, ${isAdmin}, ${knownEmail}) as email, to_json(roles) as roles`;
}

/**
 * The SQL for the columns of a {@link StoredRoom}, for a query with a table or an alias `room`. The users who joined
 * first come first.
 * @param maxUsers SQL for the maximum number of users
 */
export function roomColumns(database: Database, maxUsers: PendingQuery<Row[]>) {
  return database`
    room.id, room.created_at, room.updated_at, room.name, coalesce(room.owner_id, room.id) as owner_id, room.room_type,
    (
      select coalesce(json_agg(shown.user_id order by shown.created_at, shown.user_id), '[]')
      from (
        select created_at, user_id from memberships where room_id = room.id order by created_at, user_id
        limit ${maxUsers}
      ) shown
    ) as user_ids`;
}
