import type { User } from '../../shared/contract/answers.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Database } from '../../shared/database.ts';

/** A user as it is stored: it does not say whether they are online. */
export type StoredUser = Omit<User, 'isOnline'>;

/** Users as a viewer may see them. */
export function userReads(database: Database) {
  // Postgres before 18 would plan the function is_admin again in each read.
  const isAdmin = (viewerId: string) => database`
    exists (select from users viewer where viewer.id = ${viewerId} and has_admin_role(viewer.roles))`;

  /** @param knownEmail an e-mail that the viewer knows already */
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

    /** The oldest accounts first. @param page from 1 */
    users(viewerId: string, page: number, size: number): Promise<StoredUser[]> {
      return database<StoredUser[]>`
        select ${columns(viewerId)} from users
        where id in (select id from users order by id limit ${size} offset ${(page - 1) * size})
        order by id`;
    },

    /** The users whose e-mail begins with this text, in upper or lower case. */
    usersByEmail(viewerId: string, beginning: string): Promise<StoredUser[]> {
      // These are the operators of the index users_email_search. In its order a beginning is a range.
      return database<StoredUser[]>`
        select ${columns(viewerId, beginning)} from users
        where lower(email) ~>=~ lower(${beginning}) and lower(email) ~<~ lower(${`${beginning}\u{10ffff}`})
        order by lower(email) using ~<~ limit ${limits.MAX_SEARCH_RESULTS}`;
    },
  };
}
