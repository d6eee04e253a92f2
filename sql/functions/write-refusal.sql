-- Returns why the actor may not write in a room that the actor sees, or null if the actor may write.
-- Members may write. In a ReadOnly room, only members who own the room or are admins may write.
create or replace function write_refusal(room rooms, actor_id uuid, is_member boolean, is_admin boolean) returns text
language sql immutable as $$
  select case
    when not is_member then 'not_a_member'
    when not every_member_may_write(room) and actor_id is distinct from room.owner_id and not is_admin then 'read_only_room'
  end
$$;
