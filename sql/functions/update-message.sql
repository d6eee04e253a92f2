-- The author changes the text of a message. The edit is recorded as another message, with the new text.
-- The `created_at` of the edit is the `updated_at` of the changed message. So a client that receives the edit can build
-- the changed message.
-- Locks: the row of the message. apply_in_order has locked the room.
create or replace function update_message(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := edit_refusal(c);
  edit messages;
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  edit := store_message(c, c.text);
  update messages set text = edit.text, updated_at = edit.created_at, last_change = c.command where id = c.target_id;
  return committed(c.id, edit, true);
end
$$;
