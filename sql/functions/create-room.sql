-- The actor becomes the room's owner and first member; apply_room_commands has locked his row, so that
-- one ref sent twice at the same time makes one room.
create or replace function create_room(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  if not exists (select from users where id = c.actor_id) then return rejected(c, 'no_such_user'); end if;
  insert into rooms (id, name, owner_id, room_type) values (c.room_id, c.text, c.actor_id, c.room_type);
  perform add_member(c.room_id, c.actor_id);
  return record_message(c, c.text);
end
$$;
