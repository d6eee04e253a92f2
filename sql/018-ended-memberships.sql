-- The memberships that have ended. A client that comes back gets the messages up to the end of a membership that it knew,
-- and no later one. Its position `seq` is in the membership if `first_seq - 1 <= seq < last_seq`.

-- Batches write in this order. Another order could cause a deadlock with a running worker. Gateways can read meanwhile. No
-- membership may end between the statement below and the new functions.
lock table lanes, rooms, messages, memberships in share row exclusive mode;

create table ended_memberships (
  user_id uuid not null,
  room_id uuid not null,
  -- The message that made the user a member.
  first_seq bigint not null,
  -- The message that removed the user or deleted the room.
  last_seq bigint not null,
  primary key (user_id, room_id, last_seq)
);

-- This reads every message once. A removal without a known beginning is left out: nobody has a position in it.
insert into ended_memberships (user_id, room_id, first_seq, last_seq)
select period.user_id, period.room_id, period.first_seq, coalesce(period.next_seq, deletion.seq)
from (
  select room_id, user_id, command, seq as first_seq, lead(seq) over later as next_seq, lead(command) over later as next_command
  from (
    select room_id, case command when 'CreateRoom' then user_id else target_id end as user_id, seq, command
    from messages where command in ('CreateRoom', 'AddUser', 'RemoveUser')
  ) change
  window later as (partition by room_id, user_id order by seq)
) period
left join messages deletion
  on deletion.room_id = period.room_id and deletion.command = 'DeleteRoom' and period.next_seq is null
where period.command <> 'RemoveUser' and coalesce(period.next_command = 'RemoveUser', deletion.seq is not null);
