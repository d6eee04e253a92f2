-- Refuses one command as `internal`, because it ended two workers (workers/careful-batch.ts). If it was applied or refused
-- before, it gets its first outcome. `batch` is an array with the command.
-- Locks: the rows of lock_rows, then the row of the refusal.
create or replace function refuse_command(batch jsonb, sent_at timestamptz) returns setof room_outcome
language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  commands room_command[] := room_commands(batch, sent_at);
  outcome room_outcome;
begin
  perform lock_rows(commands, '{}');
  outcome := outcome_by_ref_or_deadline(commands[1]);
  if outcome.command_id is null then
    perform keep_refusals(commands, array['internal']);
    outcome := rejected(commands[1].id, 'internal');
  end if;
  return next outcome;
end
$$;
