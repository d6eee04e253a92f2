-- The deadline of a command by the clock that the database has now.
-- A gateway makes deadlines by the clock of the database, as it last read it. So a deadline passes at most 10 seconds
-- after the command was made, and a statement comes at most seconds later. Another distance means that the clock was
-- changed meanwhile. Then `sent_at` shows the same moment as rooms_statement_time() by the clock before the change (see
-- workers/database-time.ts). `sent_at` is null if the worker does not know it.
create or replace function deadline_now(deadline timestamptz, sent_at timestamptz) returns timestamptz
language sql volatile as $$
  select case
    when sent_at is null then deadline
    when deadline between rooms_now() - interval '60 s' and rooms_now() + interval '11 s' then deadline
    else deadline + (rooms_statement_time() - sent_at)
  end
$$;
