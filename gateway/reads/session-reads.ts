import type { RoomType } from '../../shared/contract/fields.ts';
import type { Database } from '../../shared/database.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { arrayOf } from './array-of.ts';
import { shareStatements } from './share-statements.ts';

/** `membershipsIn` reads at most this number of rooms: each id is a parameter of the statement. */
export const MAX_ROOMS_OF_MEMBERSHIPS = 1_000;
const MAX_TOKENS_OF_STATEMENT = 200;
/** One statement can run while the answers of another one are used. */
const MAX_STATEMENTS_AT_ONCE = 2;

type TokenOfUser = Pick<Bearer, 'userId' | 'tokenId' | 'version'>;

export interface Credentials {
  id: string;
  passwordHash: string;
  tokenVersion: number;
}

export interface Session {
  /** False if a logout ended the token, or if the user does not exist. */
  isTokenValid: boolean;
  isAdmin: boolean;
}

/** A room of a user, as it was at the moment of the read. */
export interface Membership {
  roomId: string;
  /** The seq of the message that made the user a member. */
  seq: number;
  /** The seq of the last message of the room. */
  head: number;
  /** The name of the room. */
  name: string;
  roomType: RoomType;
  /** The user has read the messages up to this seq. */
  read: number;
  /** The messages after `read`, up to `head`, that the history shows. */
  unread: number;
  /** How many of the unread messages mention the user. */
  mentions: number;
}

/** The reads for logins, for the check of a token, and for sockets. */
export function sessionReads(database: Database) {
  const readAll = (bearers: TokenOfUser[]): Promise<Session[]> =>
    database<Session[]>`
      select
        is_token_valid(bearer, r.token_id, r.version) as is_token_valid,
        coalesce(has_admin_role(bearer.roles), false) as is_admin
      from unnest(
        ${arrayOf(bearers.map(({ userId }) => userId))}::uuid[],
        ${arrayOf(bearers.map(({ tokenId }) => tokenId))}::uuid[],
        ${arrayOf(bearers.map(({ version }) => version))}::bigint[]
      ) with ordinality as r(user_id, token_id, version, number)
      left join users bearer on bearer.id = r.user_id
      order by r.number`;
  const session = shareStatements({ readAll, maxKeys: MAX_TOKENS_OF_STATEMENT, maxAtOnce: MAX_STATEMENTS_AT_ONCE });

  return {
    session,

    async credentials(email: string): Promise<Credentials | undefined> {
      const [row] = await database<Credentials[]>`
        select id, password_hash, token_version from users where lower(email) = lower(${email})`;
      return row;
    },

    /** Returns the rooms of this list of which the user is a member. */
    async membershipsIn(userId: string, roomIds: string[]): Promise<Membership[]> {
      const rows = await database<(Membership | { roomId: null })[]>`
        select m.room_id, m.seq, r.seq as head, r.name, r.room_type, counts.read_seq as read, counts.unread, counts.mentions
        from (select) one
        left join memberships m on m.user_id = ${userId} and m.room_id in ${database(roomIds)}
        left join rooms r on r.id = m.room_id
        left join lateral unread_counts(r, m) counts on r.id is not null`;
      // When a connection is lost, the driver sometimes returns no rows.
      if (rows.length === 0) throw new Error('postgres did not answer');
      return rows.filter((row): row is Membership => row.roomId !== null);
    },
  };
}
