-- Ends a batch that was applied in parts: stores its number, and deletes the lane of the parts.
-- Locks: the rows of the two lanes.
create or replace function end_parts(lane_key text, number bigint, lane_of_parts text) returns void
language plpgsql as $$
begin
  perform is_new_batch(lane_key, number, null);
  delete from lanes l where l.lane_key = lane_of_parts;
end
$$;
