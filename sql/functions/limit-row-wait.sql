-- From now on, this statement waits for each lock at most for these milliseconds. Null: for lock_timeout, as before.
create or replace function limit_row_wait(row_wait_ms int) returns void language plpgsql as $$
begin
  if row_wait_ms is not null then perform set_config('lock_timeout', row_wait_ms::text, true); end if;
end
$$;
