-- Creates a room. The actor becomes the owner and the first member of the room.
-- Locks: nothing new. apply_in_order has locked the row of the actor. So a command that is sent twice at the same time
-- creates only one room.
create or replace function create_room(c room_command) returns room_outcome language plpgsql as $$
begin
  if not exists (select from users where id = c.actor_id) then return rejected(c.id, 'no_such_user'); end if;
  if exists (
    select from rooms where owner_id = c.actor_id and deleted_at is null offset quota('owned_rooms_per_user') - 1
  ) then
    return rejected(c.id, 'too_many_owned_rooms');
  end if;
  if has_joined_too_many_rooms(c.actor_id) then return rejected(c.id, 'too_many_rooms'); end if;
  insert into rooms (id, name, owner_id, room_type) values (c.room_id, c.text, c.actor_id, c.room_type);
  perform add_member(c.room_id, c.actor_id);
  return committed(c.id, store_message(c, 'Room created'), true);
end
$$;
