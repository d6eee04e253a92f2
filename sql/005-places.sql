-- How many messages that a history shows there are in a room, and up to each message: any page of a history is a range
-- of an index, however deep it lies. This reads and writes every message (25 s a million were seen), and everything else
-- waits meanwhile.
alter table rooms add column shown bigint not null default 0;
alter table messages add column place bigint;

update messages set place = counted.place
from (
  select id, count(*) filter (
    where command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')
  ) over (partition by room_id order by seq) as place
  from messages
) counted
where counted.id = messages.id;
update rooms set shown = (select coalesce(max(place), 0) from messages where room_id = rooms.id);

alter table messages alter column place set not null;
create unique index messages_place on messages (room_id, place)
  where command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom');
drop index messages_history;

-- Rooms that everyone may find, by name.
create index rooms_open on rooms (name, id) where room_type <> 'Private' and deleted_at is null;
