-- The author changes the text of a message. The edit is recorded as another message, with the new text. The edit before
-- it loses its text. The message then has the mentions of its new text.
-- The `created_at` of the edit is the `updated_at` of the changed message. So a client that receives the edit can build
-- the changed message.
-- Locks: the rows of the message and of its newest edit. apply_in_order has locked the room.
create or replace function update_message(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := edit_refusal(c);
  edit messages;
  edited messages;
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  if exists (
    select from messages where target_id = c.target_id and command = 'UpdateMessage'
    offset quota('edits_per_message') - 1
  ) then
    return rejected(c.id, 'too_many_edits');
  end if;
  perform erase_newest_edit(c.target_id);
  edit := store_message(c, c.text);
  perform forget_mentions(c.target_id);
  update messages set text = edit.text, mentions = edit.mentions, updated_at = edit.created_at, last_change = c.command
  where id = c.target_id returning * into edited;
  insert into mentions (user_id, room_id, seq) select unnest(edited.mentions), edited.room_id, edited.seq;
  return committed(c.id, edit, true);
end
$$;
