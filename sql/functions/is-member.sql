-- True if the user is a member of the room.
create or replace function is_member(room_id uuid, user_id uuid) returns boolean language sql stable as $$
  select exists (
    select from memberships m where m.room_id = is_member.room_id and m.user_id = is_member.user_id
  )
$$;
