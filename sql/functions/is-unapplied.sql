-- True if is_new_batch would be true now. Changes nothing. Raises SQLSTATE RB001 if the batch is early.
-- Locks: the row of the lane. So this function fails with SQLSTATE 55P03 while the lane is at work.
create or replace function is_unapplied(lane_key text, number bigint, follows bigint) returns boolean
language plpgsql as $$
declare
  applied bigint;
begin
  select l.number into applied from lanes l where l.lane_key = is_unapplied.lane_key for no key update;
  if applied >= number then return false; end if;
  if follows is not null and (applied is null or applied < follows) then
    raise 'batch % of lane % is early: batch % is not applied', number, lane_key, follows using errcode = 'RB001';
  end if;
  return true;
end
$$;
