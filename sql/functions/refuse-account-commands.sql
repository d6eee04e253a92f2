-- Refuses a batch of account commands as `internal`, because it ended several workers (workers/account-copies.ts). If the
-- batch was applied, nothing changes. `batch` has only the ids of the commands. Returns the outcomes as
-- apply_account_commands returns them for a copy.
-- Locks: the row of the lane.
create or replace function refuse_account_commands(lane_key text, number bigint, batch jsonb) returns jsonb
language plpgsql
set enable_seqscan = off set lock_timeout = '1s'
as $$
begin
  if is_new_batch(lane_key, number, null) then
    update lanes l set outcomes = (
      select jsonb_agg(jsonb_build_object('command_id', c ->> 'id', 'code', 'internal')) from jsonb_array_elements(batch) c
    )
    where l.lane_key = refuse_account_commands.lane_key;
  end if;
  return apply_account_commands(lane_key, number, batch, null, true);
end
$$;
