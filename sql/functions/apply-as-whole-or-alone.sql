-- Applies a new batch in order, or each command alone if `one_by_one` is true.
-- Locks: the same rows as apply_in_order.
create or replace function apply_as_whole_or_alone(batch jsonb, one_by_one boolean) returns setof room_outcome
language plpgsql as $$
begin
  if one_by_one then
    return query select alone.* from jsonb_array_elements(batch) item, apply_alone(item) alone;
  else
    return query select * from apply_in_order(room_commands(batch));
  end if;
end
$$;
