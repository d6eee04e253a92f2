-- The two functions now get the bounds of their search. sql/functions creates them again after this file.
drop function if exists
  history_seqs_between(rooms, bigint, bigint),
  seq_at_history_index(rooms, bigint);

-- The index now has the deleted rooms too. If a user is deleted, Postgres looks for all rooms that the user owns.
drop index rooms_owned;
create index rooms_owned on rooms (owner_id, deleted_at);
