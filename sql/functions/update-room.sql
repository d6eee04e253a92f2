-- The room, if the actor is its owner; the code of why he may not rule it otherwise.
create or replace function ruled_room(c room_command, out room rooms, out code text) language plpgsql as $$
begin
  room := visible_room(c.room_id, c.actor_id);
  code := case
    when room.id is null then 'no_such_room'
    when room.owner_id is null then 'everyones_room'
    when room.owner_id <> c.actor_id then 'owner_only'
  end;
end
$$;

-- The owner gives the room another name.
create or replace function update_room(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
  refusal text;
begin
  if outcome.command_id is not null then return outcome; end if;
  refusal := (ruled_room(c)).code;
  if refusal is not null then return rejected(c, refusal); end if;
  update rooms set name = c.text, updated_at = clock_timestamp() where id = c.room_id;
  return record_message(c, c.text);
end
$$;
