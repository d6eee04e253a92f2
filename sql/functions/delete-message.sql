-- The author deletes a message: its text and the texts of all its edits become empty. The message keeps its seq.
-- The deletion is recorded as another message. Its `created_at` is the `updated_at` of the deleted message.
-- Locks: the row of the message, then the rows of its edits. apply_in_order has locked the room.
create or replace function delete_message(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := edit_refusal(c);
  deletion messages;
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  deletion := store_message(c, '');
  update messages set text = '', updated_at = deletion.created_at, last_change = c.command where id = c.target_id;
  update messages set text = '' where target_id = c.target_id and command = 'UpdateMessage';
  return committed(c.id, deletion, true);
end
$$;
