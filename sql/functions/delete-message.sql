-- The author deletes a message: its text and the text of its newest edit become empty. The message keeps its seq.
-- The deletion is recorded as another message. Its `created_at` is the `updated_at` of the deleted message.
-- Locks: the rows of the message and of its newest edit. apply_in_order has locked the room.
create or replace function delete_message(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := edit_refusal(c);
  deletion messages;
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  deletion := store_message(c, '');
  perform forget_mentions(c.target_id);
  update messages set text = '', mentions = null, updated_at = deletion.created_at, last_change = c.command
  where id = c.target_id;
  perform erase_newest_edit(c.target_id);
  return committed(c.id, deletion, true);
end
$$;
