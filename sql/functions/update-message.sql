-- Why the actor may not change the message that this command is about; null if he may.
-- Only what was said can be changed, not what the room itself records, and nothing that is deleted.
create or replace function change_refusal(c room_command) returns text language plpgsql as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
  said messages;
begin
  select * into said from messages where id = c.target_id and room_id = c.room_id;
  return case
    when room.id is null then 'no_such_room'
    when said.id is null then 'no_such_message'
    when said.command <> 'CreateMessage' then 'not_editable'
    when said.user_id <> c.actor_id then 'author_only'
    when said.text = '' then 'no_such_message'
    else write_refusal(room, c.actor_id)
  end;
end
$$;

-- The author changes the text; the change is a message of its own, with the new text.
create or replace function update_message(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
  refusal text := change_refusal(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  if refusal is not null then return rejected(c, refusal); end if;
  update messages set text = c.text, updated_at = clock_timestamp() where id = c.target_id;
  return record_message(c, c.text);
end
$$;
