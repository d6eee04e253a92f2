-- Applies a batch of room commands in order. Returns one outcome for each command.
-- `lane_key` and `number` identify the batch. If the batch was already applied, nothing changes, and each command gets
-- its first outcome: its message, or its refusal, which is stored for 30 seconds. A command without both gets `expired`.
-- If the batch `follows` is not applied yet, raises SQLSTATE RB001 (see is_new_batch).
-- `sent_at` is the time of the database, as the worker knows it (see deadline_now). `suspects` are the ids of rooms and
-- users that another session may have locked (see lock_rows). `row_wait_ms` is how long the statement waits for any other
-- row, after it has locked the lane (see limit_row_wait).
-- If `one_by_one` is true, each command is applied alone. This is for a batch that could not be applied as a whole.
-- Locks: the row of the lane, then the same rows as apply_in_order.
-- Postgres keeps the plan of each statement as long as the connection lasts. It may make the plan while the tables are
-- almost empty, but the plan must also be good for large tables. The two settings below force such a plan, here and in
-- every function that this function calls.
create or replace function apply_room_commands(
  lane_key text, number bigint, follows bigint, batch jsonb, sent_at timestamptz, suspects text[], one_by_one boolean,
  row_wait_ms int
)
returns setof room_outcome language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  c room_command;
  outcome room_outcome;
begin
  if is_new_batch(lane_key, number, follows) then
    perform limit_row_wait(row_wait_ms);
    return query select * from apply_as_whole_or_alone(
      batch, sent_at, array(select stored_id(id) from unnest(suspects) id), one_by_one
    );
    return;
  end if;
  foreach c in array room_commands(batch, sent_at) loop
    outcome := outcome_by_ref_or_deadline(c);
    if outcome.command_id is null then outcome := rejected(c.id, 'expired'); end if;
    return next outcome;
  end loop;
end
$$;
