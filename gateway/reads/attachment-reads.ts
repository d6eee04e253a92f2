import type { RoomType } from '../../shared/contract/fields.ts';
import { type Database, toId } from '../../shared/database.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { arrayOf } from './array-of.ts';
import type { Membership } from './session-reads.ts';
import { shareStatements } from './share-statements.ts';

/** At most this number of rooms are read at once. So a user with many rooms does not delay others. */
const ROOMS_PER_READ = 1_000;
/** A recheck of users reads as many together (gateway/live/recheck-users.ts). */
const SOCKETS_PER_STATEMENT = 500;
const STATEMENTS_AT_ONCE = 2;
const STATEMENT_GAP_MS = 40;

/** The first page of rooms begins after this id. No room has it. */
export const BEFORE_ALL_ROOMS = '00000000-0000-0000-0000-000000000000';

export interface AttachmentKey {
  bearer: Pick<Bearer, 'userId' | 'tokenId' | 'version'>;
  /** The read returns the rooms with an id after this id. Undefined if no rooms are needed. */
  roomsAfter?: string | undefined;
}

/** What a socket needs to know when it attaches. */
export interface Attachment {
  /** False if a logout ended the token, or if the user does not exist. */
  isTokenValid: boolean;
  /** The next rooms of the user, in the order of their ids, at most `ROOMS_PER_READ`. */
  rooms: Membership[];
  /** The value of `roomsAfter` for the next page of rooms. Undefined if there are no more rooms. */
  nextAfter: string | undefined;
}

type RowRoom = [
  storedId: string,
  seq: number,
  head: number,
  name: string,
  roomType: RoomType,
  read: number,
  unread: number,
  mentions: number,
];

interface Row {
  isTokenValid: boolean;
  /** JSON has the stored UUIDs of rooms. */
  rooms: RowRoom[] | null;
}

/** The read for sockets that attach. Sockets that attach at the same time share a statement. */
export function attachmentReads(database: Database) {
  const readAll = async (keys: AttachmentKey[]): Promise<Attachment[]> => {
    const rows = await database<Row[]>`
      select
        is_token_valid(u, asked.token_id, asked.version),
        page.rooms
      from unnest(
        ${arrayOf(keys.map(({ bearer }) => bearer.userId))}::uuid[],
        ${arrayOf(keys.map(({ bearer }) => bearer.tokenId))}::uuid[],
        ${arrayOf(keys.map(({ bearer }) => bearer.version))}::bigint[],
        ${arrayOf(keys.map(({ roomsAfter }) => roomsAfter))}::uuid[]
      ) with ordinality as asked(user_id, token_id, version, rooms_after, place)
      left join users u on u.id = asked.user_id
      cross join lateral (
        select json_agg(room) as rooms
        from (
          -- Not a join: a plan from the time of few rooms would read all rooms for each user.
          select (
            select json_build_array(r.id, m.seq, r.seq, r.name, r.room_type, counts.read_seq, counts.unread, counts.mentions)
            from rooms r, unread_counts(r, m) counts where r.id = m.room_id
          ) as room
          from memberships m
          where m.user_id = asked.user_id and m.room_id > asked.rooms_after
          order by m.room_id
          limit ${ROOMS_PER_READ}
        ) membership
      ) page
      order by asked.place`;
    return rows.map(({ isTokenValid, rooms }) => ({
      isTokenValid,
      rooms: (rooms ?? []).map(toMembership),
      nextAfter: rooms?.[ROOMS_PER_READ - 1]?.[0],
    }));
  };
  return {
    attachment: shareStatements({
      readAll,
      maxKeys: SOCKETS_PER_STATEMENT,
      maxAtOnce: STATEMENTS_AT_ONCE,
      gapMs: STATEMENT_GAP_MS,
    }),
  };
}

function toMembership([storedId, seq, head, name, roomType, read, unread, mentions]: RowRoom): Membership {
  return { roomId: toId(storedId), seq, head, name, roomType, read, unread, mentions };
}
