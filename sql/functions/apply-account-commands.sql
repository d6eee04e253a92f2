-- Applies a batch of account commands in order. Returns an array with one object for each command.
-- The sender (a lane) and the number identify the batch (is_new_batch). A copy of the newest batch gets the answers that
-- are stored with the lane. A copy of an earlier batch gets `expired`: nobody waits for its answers any more.
-- Locks: the row of the lane, then what each command locks.
create or replace function apply_account_commands(sender text, number bigint, batch jsonb, allowed_only boolean)
returns jsonb language plpgsql as $$
declare
  answers jsonb;
begin
  if is_new_batch(sender, number) then
    select jsonb_agg(apply_account_command(c, allowed_only) order by n) into answers
    from jsonb_array_elements(batch) with ordinality as commands (c, n);
    update lanes l set outcomes = answers where l.sender = apply_account_commands.sender;
    return answers;
  end if;
  select l.outcomes into answers from lanes l
  where l.sender = apply_account_commands.sender and l.number = apply_account_commands.number;
  return coalesce(answers, (
    select jsonb_agg(jsonb_build_object('command_id', c ->> 'id', 'code', 'expired')) from jsonb_array_elements(batch) c
  ));
end
$$;
