-- Who may write in a room that they may see: its members, but in a ReadOnly room only its owner and admins who are
-- members. Returns the code of the refusal, or null.
create or replace function write_refusal(room rooms, actor_id uuid, is_member boolean, is_admin boolean) returns text
language sql immutable as $$
  select case
    when not is_member then 'not_a_member'
    when room.room_type = 'ReadOnly' and actor_id is distinct from room.owner_id and not is_admin then 'read_only_room'
  end
$$;
