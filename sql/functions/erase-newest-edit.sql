-- Erases the text of the newest edit of a message. All older edits have an empty text already.
-- Locks: the row of the edit. apply_in_order has locked the room.
create or replace function erase_newest_edit(message_id uuid) returns void language plpgsql as $$
begin
  update messages set text = '', mentions = null where id = (
    select id from messages where target_id = message_id and command = 'UpdateMessage' order by seq desc limit 1
  );
end
$$;
