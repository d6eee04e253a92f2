import type { User } from '../../shared/contract/answers.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';

/** A user as stored, without `isOnline`. */
export type StoredUser = Omit<User, 'isOnline'>;

/** The reads of users. A viewer gets only the rooms and the e-mail addresses that this viewer may see. */
export function userReads(database: Database) {
  // This is a copy of the body of the SQL function is_admin. Postgres before 18 would plan a call of this function
  // again in each read.
  const isAdmin = (viewerId: string) => database`
    exists (select from users viewer where viewer.id = ${viewerId} and has_admin_role(viewer.roles))`;

  /** @param knownEmail the text that the viewer typed. A user with exactly this e-mail address is shown with it. */
  const columns = (viewerId: string, knownEmail = '') => database`
    id, created_at, updated_at, first_name, last_name,
    visible_email(users, ${viewerId}, ${isAdmin(viewerId)}, ${knownEmail}) as email,
    to_json(roles) as roles, (
      select coalesce(json_agg(json_build_object(
        'id', r.id, 'name', r.name, 'ownerId', r.owner_id, 'roomType', r.room_type)), '[]')
      from (
        select room.id, room.name, room.owner_id, room.room_type
        from memberships m join visible_rooms(${viewerId}) room on room.id = m.room_id
        where m.user_id = users.id order by m.created_at, room.id limit ${limits.MAX_ROOMS_OF_USER}
      ) r
    ) as rooms`;

  return {
    async user(id: string, viewerId: string): Promise<StoredUser | undefined> {
      const [row] = await database<StoredUser[]>`select ${columns(viewerId)} from users where id = ${id}`;
      return row;
    },

    /** Returns all users, with the oldest accounts first. @param page the first page is 1 */
    users(viewerId: string, page: number, size: number): Promise<StoredUser[]> {
      return database<StoredUser[]>`
        select ${columns(viewerId)} from users
        where id in (select id from users order by id limit ${size} offset ${(page - 1) * size})
        order by id`;
    },

    /** Returns the users whose e-mail address begins with this text. Upper and lower case are equal. */
    usersByEmail(viewerId: string, beginning: string): Promise<StoredUser[]> {
      // The index users_email_search uses these operators. All e-mail addresses with the same beginning stand together
      // in this index, so one range contains all of them.
      return database<StoredUser[]>`
        select ${columns(viewerId, beginning)} from users
        where lower(email) ~>=~ lower(${beginning}) and lower(email) ~<~ lower(${`${beginning}\u{10ffff}`})
        order by lower(email) using ~<~ limit ${limits.MAX_SEARCH_RESULTS}`;
    },
  };
}
