-- Only the newest edit of a message keeps its text. So a deletion erases two texts, however often the message was edited.
-- The quotas count rooms and edits in these indexes.

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages in access exclusive mode;

drop index messages_edits;
create index messages_edits on messages (target_id, seq) where command = 'UpdateMessage';
update messages edit set text = ''
where command = 'UpdateMessage' and text <> '' and exists (
  select from messages later
  where later.target_id = edit.target_id and later.command = 'UpdateMessage' and later.seq > edit.seq
);

create index rooms_owned on rooms (owner_id) where deleted_at is null;
