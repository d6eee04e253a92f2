-- The message that this command is about, if the actor may change it; the code of why not otherwise.
-- Only what was said can be changed, not what the room itself records, and nothing that is deleted.
create or replace function changeable_message(c room_command, out said messages, out code text)
language plpgsql as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
begin
  select * into said from messages where id = c.target_id and room_id = c.room_id;
  code := case
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
  refusal text;
begin
  if outcome.command_id is not null then return outcome; end if;
  refusal := (changeable_message(c)).code;
  if refusal is not null then return rejected(c, refusal); end if;
  update messages set text = c.text, updated_at = clock_timestamp() where id = c.target_id;
  return record_message(c, c.text);
end
$$;
