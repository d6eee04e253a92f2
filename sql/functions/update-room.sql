-- Why the actor may not rule the room; null if he is its owner.
create or replace function rule_refusal(c room_command) returns text language plpgsql as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
begin
  return case
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
  refusal text := rule_refusal(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  if refusal is not null then return rejected(c, refusal); end if;
  update rooms set name = c.text, updated_at = clock_timestamp() where id = c.room_id;
  return record_message(c, c.text);
end
$$;
