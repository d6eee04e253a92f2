-- True if a history shows the messages of this command.
create or replace function is_in_history(command text) returns boolean language sql immutable as $$
  select command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')
$$;
