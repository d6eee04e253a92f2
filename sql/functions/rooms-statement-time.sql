-- The time of the database when the statement arrived. A test replaces this function.
create or replace function rooms_statement_time() returns timestamptz language sql stable as $$
  select statement_timestamp()
$$;
