import { standingRoomIds } from '../../shared/contract/ids.ts';
import { countOf, jsonRows, type Step } from './step.ts';

/**
 * Copies members. The owner of a room is always a member. A membership begins with the last message that added the
 * user, or with the message that recorded the creation of the room. If there is none, it begins with the room.
 */
export const members: Step = {
  name: 'members',
  order: 'room_id, user_id',

  rows: (original) => original`
    select room_id, user_id from room_users where room_id not in ${original(standingRoomIds)}
    union
    select id, owner_id from rooms where id not in ${original(standingRoomIds)}`,

  countKnown: (rooms, page) =>
    countOf(rooms`
      select count(*) from jsonb_to_recordset(${jsonRows(rooms, page)}) as given("roomId" uuid, "userId" uuid)
      join memberships on room_id = "roomId" and user_id = "userId"`),

  store: (rooms, page) =>
    countOf(rooms`
      with given as (
        select * from jsonb_to_recordset(${jsonRows(rooms, page)}) as given("roomId" uuid, "userId" uuid)
      ), added as (
        select distinct on (room_id, member_id) room_id, member_id, seq, created_at
        from messages
        cross join lateral (select case command when 'AddUser' then target_id else user_id end as member_id) added
        where room_id in (select "roomId" from given) and command in ('AddUser', 'CreateRoom')
        order by room_id, member_id, seq desc
      ), stored as (
        insert into memberships (room_id, user_id, seq, created_at)
        select "roomId", "userId", coalesce(added.seq, 0), coalesce(added.created_at, rooms.created_at)
        from given
        join rooms on rooms.id = "roomId"
        left join added on added.room_id = "roomId" and added.member_id = "userId"
        on conflict (room_id, user_id) do nothing
        returning user_id
      )
      select count(*) from stored`),
};
