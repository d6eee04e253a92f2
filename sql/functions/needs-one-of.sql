-- True if the command needs the lock of one of these rooms and users (see lock_rows).
create or replace function needs_one_of(c room_command, ids uuid[]) returns boolean language sql immutable as $$
  select c.room_id = any (ids)
    or (c.command = 'CreateRoom' and c.actor_id = any (ids))
    or (c.command = 'AddUser' and c.target_id = any (ids))
$$;
