import type { Database } from '../../shared/database.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { arrayOf } from './array-of.ts';

export interface RoomRequest {
  bearer: Pick<Bearer, 'userId' | 'tokenId' | 'version'>;
  roomId: string;
  seq?: number | undefined;
  shift?: number | undefined;
  size: number;
}

/** What a read of a room says about the user of a token. */
export interface RoomOfBearer {
  /** False if a logout ended the token, or if the user does not exist. */
  isTokenValid: boolean;
  /** The seq of the last message of the room, in the snapshot of the statement. Undefined if the user may not see the room. */
  head: number | undefined;
}

/**
 * The SQL for the `from` of a read of rooms. `request` has a row for each request, with its `seq`, `shift`, `size` and
 * `number` (its place). `visible.room` is the room, if the token is valid and the user may see the room.
 */
export function bearerRooms(database: Database, requests: RoomRequest[]) {
  const list = (value: (request: RoomRequest) => string | number | undefined) => arrayOf(requests.map(value));
  return database`
    from (
      select r.*, is_token_valid(bearer, r.token_id, r.version) as is_token_valid
      from unnest(
        ${list(({ bearer }) => bearer.userId)}::uuid[],
        ${list(({ bearer }) => bearer.tokenId)}::uuid[],
        ${list(({ bearer }) => bearer.version)}::bigint[],
        ${list(({ roomId }) => roomId)}::text[],
        ${list(({ seq }) => seq)}::bigint[],
        ${list(({ shift }) => shift)}::bigint[],
        ${list(({ size }) => size)}::bigint[]
      ) with ordinality as r(user_id, token_id, version, room_id, seq, shift, size, number)
      left join users bearer on bearer.id = r.user_id
    ) request
    -- The limit makes Postgres look up one room. A plan from the time of few rooms would read all rooms.
    left join lateral (
      select room from visible_rooms(request.user_id) room
      where room.id = stored_id(request.room_id) and request.is_token_valid limit 1
    ) visible on true`;
}

/** Reads the columns `is_token_valid` and `(visible.room).seq` of a raw row. */
export function toRoomOfBearer([isTokenValid, head]: (Buffer | null)[]): RoomOfBearer {
  return { isTokenValid: isTokenValid?.toString() === 't', head: head ? Number(head) : undefined };
}
