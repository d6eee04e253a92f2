-- Applies a batch of account commands in order. Returns an array with one object for each command.
-- `lane_key` and `number` identify the batch (see is_new_batch). A copy of a batch changes nothing. A copy of the
-- newest batch of the lane gets the outcomes that are stored with the lane. In a copy of an earlier batch, every
-- command gets `expired`: nobody waits for these outcomes any more.
-- Locks: the row of the lane. Then the advisory lock of role changes, if there is a ChangeRole. Then the users of the
-- commands, in the order of their ids: apply_in_order locks users in the same order, so there is no deadlock.
create or replace function apply_account_commands(lane_key text, number bigint, batch jsonb, allow_list_only boolean)
returns jsonb language plpgsql
set enable_seqscan = off
as $$
declare
  batch_outcomes jsonb;
begin
  if is_new_batch(lane_key, number, null) then
    if exists (select from jsonb_array_elements(batch) c where c ->> 'command' = 'ChangeRole') then
      perform pg_advisory_xact_lock(hashtext('rooms-roles'));
    end if;
    perform from users where id in (
      select (c ->> field)::uuid from jsonb_array_elements(batch) c, unnest(array['userId', 'targetId']) field
    ) order by id for no key update;
    select jsonb_agg(apply_account_command(c, allow_list_only) order by n) into batch_outcomes
    from jsonb_array_elements(batch) with ordinality as commands (c, n);
    update lanes l set outcomes = batch_outcomes where l.lane_key = apply_account_commands.lane_key;
    return batch_outcomes;
  end if;
  select l.outcomes into batch_outcomes from lanes l
  where l.lane_key = apply_account_commands.lane_key and l.number = apply_account_commands.number;
  return coalesce(batch_outcomes, (
    select jsonb_agg(jsonb_build_object('command_id', c ->> 'id', 'code', 'expired')) from jsonb_array_elements(batch) c
  ));
end
$$;
