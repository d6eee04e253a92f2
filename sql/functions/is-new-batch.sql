-- True if the lane has sent no batch with this number or a higher number before. A lane is an ordered outbox of a
-- gateway, which numbers its batches (gateway/commands/lane.ts). `lane_key` names the lane among all lanes.
-- Stores the number, so a copy of this batch or of an earlier batch is not new. Such a copy must change nothing, so
-- that a refused command stays refused.
-- `follows` is the number of the batch that must be applied before this batch, or null. If that batch is not applied
-- yet, this batch is early: the function raises SQLSTATE RB001, and the worker tries again (workers/in-turn.ts).
-- Locks: the row of the lane, until the end of the statement that calls this function. So copies of a batch wait for
-- each other, and a batch waits for the batch before it if that batch is being applied.
create or replace function is_new_batch(lane_key text, number bigint, follows bigint)
returns boolean language plpgsql as $$
declare
  applied bigint;
begin
  if follows is not null then
    select l.number into applied from lanes l where l.lane_key = is_new_batch.lane_key for no key update;
    if applied is null or applied < follows then
      raise 'batch % of lane % is early: batch % is not applied', number, lane_key, follows using errcode = 'RB001';
    end if;
  end if;
  insert into lanes as l values (lane_key, number)
  on conflict on constraint lanes_pkey do update set number = excluded.number, at = now(), outcomes = null
  where l.number < excluded.number;
  if not found then return false; end if;
  -- Only a new gateway sends a batch 0, so this happens seldom. Lanes without a batch for a day are deleted then.
  if number = 0 then delete from lanes where at < now() - interval '1 day'; end if;
  return true;
end
$$;
