-- The two rooms that always exist get the ids `general` and `announcements` (docs/decisions/0006 explains the UUIDs).
-- Recorded messages get texts for people. Histories show which messages were edited or deleted.

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages, memberships, users in access exclusive mode;

-- name: the name of the room, in the messages that record its creation and its renaming.
-- last_change: the command of the last change of this message, or null if the message was never changed.
alter table messages add column name text;
alter table messages add column last_change text check (last_change in ('UpdateMessage', 'DeleteMessage'));

-- A room cannot change its id while memberships refer to it. So each room is copied, and the old row is deleted.
create temporary table moved_rooms (old_id uuid, new_id uuid, name text) on commit drop;
insert into moved_rooms
select id,
  case name when 'general' then '00000000-0000-0000-0000-000000000001'::uuid
    else '00000000-0000-0000-0000-000000000002' end,
  initcap(name)
from rooms where owner_id is null;

insert into rooms (id, created_at, updated_at, name, room_type, seq, history_length)
select new_id, created_at, updated_at, moved.name, room_type, seq, history_length
from rooms join moved_rooms moved on moved.old_id = rooms.id;
update memberships set room_id = new_id from moved_rooms where room_id = old_id;
update messages set room_id = new_id, target_id = case when target_id = old_id then new_id else target_id end
from moved_rooms where room_id = old_id;
delete from rooms using moved_rooms where id = old_id;

update messages set last_change = change.command
from (
  select distinct on (target_id) target_id, command from messages
  where command in ('UpdateMessage', 'DeleteMessage') order by target_id, seq desc
) change
where messages.id = change.target_id;

-- A fingerprint contains the id of the room. A client that sends a ref of such a room again uses the new id. The
-- fingerprint of a message whose text was changed cannot be made again: its ref is then refused as `ref_reused`.
-- This is a copy of sql/functions/command-fingerprint.sql for commands without a room type.
update messages set fingerprint = hashtextextended(concat_ws(e'\x1f', command, text, room_id, target_id), 0)
from moved_rooms
where room_id = new_id and last_change is null and not (command = 'UpdateMessage' and text = '');

update messages set name = text, text = case command when 'CreateRoom' then 'Room created' else 'Room updated' end
where command in ('CreateRoom', 'UpdateRoom');
update messages set text = 'Room deleted' where command = 'DeleteRoom';
