-- Returns which of these rooms and users are locked by another statement that has not ended. `is_foreign` is false if
-- another worker began its statement less than 3 seconds ago: a batch ends soon. It is true for every other session, such
-- as the one of a person, or a backup.
-- Locks: nothing. A locked row has the number of the transaction in its column xmax, and pg_locks knows the transactions
-- that have not ended. If two transactions share the lock, the row is not found.
create or replace function row_locks(room_ids text[], user_ids text[]) returns table (id text, is_foreign boolean)
language sql volatile
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
  with wanted as (
    select given.id, row_of.holder from unnest(room_ids) as given (id), lateral (
      select r.xmax as holder from rooms r where r.id = stored_id(given.id) limit 1
    ) row_of
    union all
    select given.id, row_of.holder from unnest(user_ids) as given (id), lateral (
      select u.xmax as holder from users u where u.id = given.id::uuid limit 1
    ) row_of
  )
  select wanted.id,
    a.application_name is distinct from current_setting('application_name')
      or coalesce(a.xact_start < clock_timestamp() - interval '3 s', false)
  from wanted
  join pg_locks l on l.locktype = 'transactionid' and l.granted and l.transactionid = wanted.holder
  left join pg_stat_activity a on a.pid = l.pid
  where l.pid is distinct from pg_backend_pid()
$$;
