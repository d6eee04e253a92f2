-- The owner removes anyone but himself; a member removes himself.
create or replace function remove_user(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
  room rooms := visible_room(c.room_id, c.actor_id);
begin
  if outcome.command_id is not null then return outcome; end if;
  if room.id is null then return rejected(c, 'no_such_room'); end if;
  if room.owner_id is null then return rejected(c, 'everyones_room'); end if;
  if c.actor_id not in (room.owner_id, c.target_id) then return rejected(c, 'owner_only'); end if;
  if c.target_id = room.owner_id then return rejected(c, 'owner_stays'); end if;
  delete from memberships where room_id = c.room_id and user_id = c.target_id;
  if not found then return rejected(c, 'user_not_in_room'); end if;
  return record_message(c, (select first_name from users where id = c.target_id) || ' left the room');
end
$$;
