import type { User } from '../../shared/contract/answers.ts';
import type { Database } from '../../shared/database.ts';
import type { Bearer } from '../accounts/tokens.ts';

const MOST_FOUND = 50;
/** Rooms that a user's record shows. */
const MOST_ROOMS = 100;

/** A user as it is stored: without whether they are online. */
export type StoredUser = Omit<User, 'isOnline'>;

export interface Credentials {
  id: string;
  passwordHash: string;
  tokenVersion: number;
}

/** Where a user is a member, as of one moment. */
export interface Membership {
  roomId: string;
  /** The message with which he came in. */
  seq: number;
  /** The room's last message at that moment. */
  head: number;
}

/** @param viewerId in the functions: who asks */
export function userReads(database: Database) {
  const isAdmin = (viewerId: string) => database`
    exists (select from users viewer where viewer.id = ${viewerId} and 'admin' = any (viewer.roles))`;

  /** @param known an e-mail that the viewer knows already */
  const user = (viewerId: string, known = '') => database`
    id, created_at, updated_at, first_name, last_name,
    case when id = ${viewerId} or lower(email) = lower(${known}) or ${isAdmin(viewerId)} then email else '' end as email,
    to_json(roles) as roles, (
      select coalesce(json_agg(json_build_object(
        'id', r.id, 'name', r.name, 'ownerId', r.owner_id, 'roomType', r.room_type)), '[]')
      from (
        select rooms.* from memberships m join rooms on rooms.id = m.room_id
        where m.user_id = users.id and (
          room_type <> 'Private' or exists (select from memberships where room_id = rooms.id and user_id = ${viewerId}))
        order by m.created_at, rooms.id limit ${MOST_ROOMS}
      ) r
    ) as rooms
    from users`;

  return {
    async credentials(email: string): Promise<Credentials | undefined> {
      const [row] = await database<Credentials[]>`
        select id, password_hash, token_version from users where lower(email) = lower(${email})`;
      return row;
    },

    /** Whether nobody has ended this token. */
    async isLive({ userId, tokenId, version }: Pick<Bearer, 'userId' | 'tokenId' | 'version'>): Promise<boolean> {
      const [row] = await database<{ live: boolean }[]>`
        select exists (select from users where id = ${userId} and token_version = ${version})
          and not exists (select from revoked_tokens where id = ${tokenId}) as live`;
      if (!row) throw new Error('postgres did not answer'); // the driver says so of some lost connections
      return row.live;
    },

    async user(id: string, viewerId: string): Promise<StoredUser | undefined> {
      const [row] = await database<StoredUser[]>`select ${user(viewerId)} where id = ${id}`;
      return row;
    },

    /** In the order in which they came. @param page from 1 */
    users(viewerId: string, page: number, size: number): Promise<StoredUser[]> {
      return database<StoredUser[]>`
        select ${user(viewerId)}
        where id in (select id from users order by id limit ${size} offset ${(page - 1) * size})
        order by id`;
    },

    /** Whose e-mail begins so, in any case. At most fifty. */
    usersByEmail(viewerId: string, beginning: string): Promise<StoredUser[]> {
      // The operators of the index's own order: a beginning is a range there, whatever characters it holds.
      return database<StoredUser[]>`
        select ${user(viewerId, beginning)}
        where lower(email) ~>=~ lower(${beginning}) and lower(email) ~<~ lower(${`${beginning}\u{10ffff}`})
        order by lower(email) using ~<~ limit ${MOST_FOUND}`;
    },

    /** Where this user is a member; undefined if there is no such user. */
    async memberships(userId: string): Promise<Membership[] | undefined> {
      const rows = await database<((Membership | { roomId: null }) & { userId: string | null })[]>`
        select u.id as user_id, m.room_id, m.seq, r.seq as head
        from (select) one
        left join users u on u.id = ${userId}
        left join memberships m on m.user_id = u.id
        left join rooms r on r.id = m.room_id`;
      if (rows.length === 0) throw new Error('postgres did not answer'); // the driver says so of some lost connections
      if (rows[0]?.userId === null) return undefined;
      return rows.filter((row): row is Membership & { userId: string } => row.roomId !== null);
    },
  };
}
