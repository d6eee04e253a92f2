-- True if every member may write in the room. In the other rooms, only some members may (see write_refusal).
create or replace function every_member_may_write(room rooms) returns boolean language sql immutable as $$
  select room.room_type <> 'ReadOnly'
$$;
