-- The owner may remove every other member. Every other member may remove themselves.
-- Locks: the row of the membership. apply_in_order has locked the room.
create or replace function remove_user(c room_command) returns room_outcome language plpgsql as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
  target users;
  membership memberships;
  removal messages;
begin
  if room.id is null then return rejected(c.id, 'no_such_room'); end if;
  select * into target from users where id = c.target_id;
  if target.id is null then return rejected(c.id, 'no_such_user'); end if;
  if room.owner_id is null then return rejected(c.id, 'everyones_room'); end if;
  if c.actor_id not in (room.owner_id, c.target_id) then return rejected(c.id, 'owner_only'); end if;
  if c.target_id = room.owner_id then return rejected(c.id, 'owner_stays'); end if;
  delete from memberships where room_id = c.room_id and user_id = c.target_id returning * into membership;
  if membership.user_id is null then return rejected(c.id, 'user_not_in_room'); end if;
  removal := store_message(c, target.first_name || ' left the room');
  insert into ended_memberships (user_id, room_id, first_seq, last_seq)
  values (c.target_id, c.room_id, membership.seq, removal.seq);
  return committed(c.id, removal, true);
end
$$;
