-- The owner ends the room: nobody is in it any more, and nobody sees it.
create or replace function delete_room(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
  refusal text := rule_refusal(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  if refusal is not null then return rejected(c, refusal); end if;
  delete from memberships where room_id = c.room_id;
  update rooms set deleted_at = clock_timestamp() where id = c.room_id;
  return record_message(c, '');
end
$$;
