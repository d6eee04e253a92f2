-- The owner may add every user to the room. Every user may add themselves to a room that is not private.
-- Locks: nothing new. apply_in_order has locked the room and the row of the target.
create or replace function add_user(c room_command) returns room_outcome language plpgsql as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
  target users;
begin
  if room.id is null then return rejected(c.id, 'no_such_room'); end if;
  select * into target from users where id = c.target_id;
  if target.id is null then return rejected(c.id, 'no_such_user'); end if;
  if room.owner_id is null then return rejected(c.id, 'everyones_room'); end if;
  if c.actor_id <> room.owner_id and not (c.target_id = c.actor_id and room.room_type <> 'Private') then
    return rejected(c.id, 'owner_only');
  end if;
  if is_member(c.room_id, c.target_id) then return rejected(c.id, 'already_in_room'); end if;
  if has_joined_too_many_rooms(c.target_id) then return rejected(c.id, 'too_many_rooms'); end if;
  perform add_member(c.room_id, c.target_id);
  return committed(c.id, store_message(c, target.first_name || ' joined the room'), true);
end
$$;
