import type { Room, UserOfRoom } from '../../shared/contract/answers.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';

// Postgres does not know who is online. The routes add `isOnline` (routes/presence.ts).
export type StoredPerson = Omit<UserOfRoom, 'isOnline'>;
/** A room as stored. */
export type StoredRoom = Omit<Room, 'users'> & { users: StoredPerson[] };
/** A user as stored. */
export type StoredUser = StoredPerson & { rooms: StoredRoom[] };

/** The SQL for the columns of users and of rooms. A viewer gets only what this viewer may see. */
export function recordColumns(database: Database, viewerId: string) {
  // This is a copy of the body of the SQL function is_admin. Postgres before 18 would plan a call of this function
  // again in each read.
  const isAdmin = database`
    exists (select from users viewer where viewer.id = ${viewerId} and has_admin_role(viewer.roles))`;

  /** The first users of a table or alias `room`, as JSON. */
  const usersOfRoom = (maxUsers: number) => database`(
    select coalesce(json_agg(json_build_object(
      'id', u.id, 'createdAt', rfc3339(u.created_at), 'updatedAt', rfc3339(u.updated_at), 'firstName', u.first_name,
      'lastName', u.last_name, 'email', visible_email(u, ${viewerId}, ${isAdmin}, ''), 'roles', u.roles
    ) order by m.created_at, u.id), '[]')
    from (
      select created_at, user_id from memberships where room_id = room.id order by created_at, user_id limit ${maxUsers}
    ) m join users u on u.id = m.user_id
  )`;

  /**
   * The rooms of a row of `users`, as JSON, without the two rooms that always exist. If there are too many rooms, the
   * rooms that the user joined first are missing, so a client always finds the room that its user has just joined.
   */
  const roomsOfUser = database`(
    select coalesce(json_agg(json_build_object(
      'id', room.id, 'createdAt', rfc3339(room.created_at), 'updatedAt', rfc3339(room.updated_at), 'name', room.name,
      'ownerId', room.owner_id, 'roomType', room.room_type,
      'users', ${usersOfRoom(limits.MAX_USERS_OF_LISTED_ROOM)}
    ) order by room.joined_at, room.id), '[]')
    from (
      select room.*, m.created_at as joined_at
      from memberships m join visible_rooms(${viewerId}) room on room.id = m.room_id
      where m.user_id = users.id and room.owner_id is not null order by m.created_at desc, room.id desc
      limit ${limits.MAX_ROOMS_OF_USER}
    ) room
  )`;

  /** @param knownEmail the text that the viewer typed. A user with exactly this e-mail address is shown with it. */
  const person = (knownEmail: string) => database`
    id, created_at, updated_at, first_name, last_name,
    visible_email(users, ${viewerId}, ${isAdmin}, ${knownEmail}) as email, to_json(roles) as roles`;

  return {
    /** The columns of a room, for a query with a table or an alias `room`. The users who joined first come first. */
    room: (maxUsers: number) => database`
      room.id, room.created_at, room.updated_at, room.name, coalesce(room.owner_id, room.id) as owner_id,
      room.room_type, ${usersOfRoom(maxUsers)} as users`,

    /** The columns of one user. */
    user: () => database`${person('')}, ${roomsOfUser} as rooms`,

    /** The columns of the users of a list, without their rooms. */
    listedUser: (knownEmail = '') => database`${person(knownEmail)}, json_build_array() as rooms`,
  };
}
