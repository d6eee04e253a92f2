import type postgres from 'postgres';
import { standingRoomIds, standingRooms } from '../../shared/contract/ids.ts';
import type { Database } from '../../shared/database.ts';

/** A row of the original that Rooms cannot import. */
export interface BadRow {
  id: string;
  reason: string;
}

/** Makes the query of the bad rows of one table. A row can break several rules. */
type RowRules = (original: Database) => postgres.PendingQuery<BadRow[]>;

/** The form of the ids that both systems make. Two UUIDs belong to the rooms that always exist. */
const isNotUuid = (original: Database) => original`
  t.id !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' or t.id in ${original(Object.values(standingRooms))}`;

/** Rooms shows times as RFC 3339, which has years of four digits. */
const isNoTime = (original: Database) => original`
  (t.created_at between '1970-01-01' and '9999-12-31') is not true
    or (t.updated_at between '1970-01-01' and '9999-12-31') is not true`;

const rules = (original: Database, values: postgres.PendingQuery<postgres.Row[]>) => original`
  cross join lateral (values ${values}) rule(is_broken, reason) where is_broken`;

/** For each table of the original, the rules that its rows must keep. */
export const rowRules: Record<string, RowRules> = {
  users: (original) => original`
    select t.id, reason
    from (select *, count(email) over (partition by lower(email)) > 1 as is_taken from users) t ${rules(
      original,
      original`
        (${isNotUuid(original)}, 'its id is not a UUID in lower case'),
        (${isNoTime(original)}, 'its created_at or updated_at is not a time between the years 1970 and 9999'),
        (first_name is null or last_name is null, 'its first_name or last_name is null'),
        (email is null, 'its email is null'),
        (is_taken, 'another user has the same e-mail (upper and lower case are equal)'),
        (password !~ '^\\$2[aby]\\$(0[4-9]|1[0-6])\\$[./A-Za-z0-9]{53}$' or password is null,
          'its password is not a bcrypt hash of cost 4 to 16')`,
    )}`,

  rooms: (original) => original`
    select t.id, reason
    from rooms t
    left join users owner on owner.id = owner_id
    cross join lateral (select t.id in ${original(standingRoomIds)} as is_standing) standing ${rules(
      original,
      original`
        ((${isNotUuid(original)}) and not is_standing, 'its id is not a UUID in lower case'),
        (${isNoTime(original)}, 'its created_at or updated_at is not a time between the years 1970 and 9999'),
        (name is null, 'its name is null'),
        ((room_type in ('Private', 'Public', 'ReadOnly')) is not true, 'its room_type is unknown'),
        (owner.id is null and not is_standing, 'its owner_id is not a user')`,
    )}`,

  room_users: (original) => original`
    select t.room_id || ' ' || t.user_id as id, reason
    from room_users t
    left join rooms on rooms.id = room_id
    left join users on users.id = user_id ${rules(
      original,
      original`
        (rooms.id is null, 'its room_id is not a room'),
        (users.id is null, 'its user_id is not a user')`,
    )}`,

  messages: (original) => original`
    select t.id, reason
    from messages t
    left join rooms on rooms.id = room_id
    left join users on users.id = user_id
    left join users target on target.id = target_id and command in ('AddUser', 'RemoveUser') ${rules(
      original,
      original`
        (${isNotUuid(original)}, 'its id is not a UUID in lower case'),
        (${isNoTime(original)}, 'its created_at or updated_at is not a time between the years 1970 and 9999'),
        (text is null, 'its text is null'),
        (rooms.id is null, 'its room_id is not a room'),
        (users.id is null, 'its user_id is not a user'),
        (command in ('AddUser', 'RemoveUser') and target.id is null, 'its target_id is not a user'),
        ((command in ('CreateMessage', 'UpdateMessage', 'DeleteMessage', 'AddUser', 'RemoveUser', 'CreateRoom',
          'UpdateRoom')) is not true, 'its command is unknown')`,
    )}`,
};
