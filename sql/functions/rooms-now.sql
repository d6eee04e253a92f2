-- The time of the database, for everything that compares it with a deadline. A test replaces this function.
create or replace function rooms_now() returns timestamptz language sql volatile as $$ select clock_timestamp() $$;
