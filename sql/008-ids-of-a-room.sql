-- A ref belongs to one room: the same ref of the same user in another room is another command. So every look-up of a
-- batch concerns the rooms of the batch only. Pages of a history need no index of their own any more (see
-- sql/functions/history-seqs.sql).

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages in access exclusive mode;

create unique index messages_ref_in_room on messages (room_id, user_id, ref);
drop index messages_ref;
alter index messages_ref_in_room rename to messages_ref;
drop index messages_history_index;

-- The id of a new room is a hash of its creator and the ref (see sql/functions/created-room-id.sql). The ids of older
-- rooms are not. This table finds the older room if its creator sends the same ref again.
create table former_creations (
  user_id uuid not null,
  ref uuid not null,
  room_id uuid not null,
  primary key (user_id, ref)
);
insert into former_creations select user_id, ref, room_id from messages where command = 'CreateRoom';
