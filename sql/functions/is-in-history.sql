-- True if a history shows the messages of this command. The index messages_history_index has the same condition.
-- Postgres inlines this function, so a query that calls it can use that index.
create or replace function is_in_history(command text) returns boolean language sql immutable as $$
  select command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')
$$;
