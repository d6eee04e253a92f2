-- Refuses one command as `internal`, because it ended two workers (workers/careful-batch.ts). If its ref was stored or
-- refused before, it gets this first outcome. `batch` is an array with the command, without its text: perhaps the text ends
-- everything that reads it. So the text is not compared with the text of a stored message.
-- Locks: the rows of lock_rows, then the row of the refusal.
create or replace function refuse_command(batch jsonb, sent_at timestamptz) returns setof room_outcome
language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  commands room_command[] := room_commands(batch, sent_at);
  c room_command := commands[1];
  earlier messages;
  outcome room_outcome;
begin
  perform lock_rows(commands, '{}');
  select * into earlier from messages where room_id = c.room_id and user_id = c.actor_id and ref = c.ref;
  if earlier.id is not null then
    return next committed(c.id, earlier, false);
    return;
  end if;
  outcome := outcome_by_ref_or_deadline(c);
  if outcome.command_id is null then
    perform keep_refusals(commands, array['internal']);
    outcome := rejected(c.id, 'internal');
  end if;
  return next outcome;
end
$$;
