-- Applies a new batch in order, or each command alone if `one_by_one` is true. `suspects`: see lock_rows.
-- A command that is applied alone waits for a lock only 10 ms, so that many of these commands do not block the others.
-- Locks: the same rows as apply_in_order.
create or replace function apply_as_whole_or_alone(
  batch jsonb, sent_at timestamptz, suspects uuid[], one_by_one boolean
)
returns setof room_outcome language plpgsql as $$
begin
  if one_by_one then
    perform set_config('lock_timeout', '10ms', true);
    return query
    select alone.* from jsonb_array_elements(batch) item, apply_alone(item, sent_at, suspects) alone;
  else
    return query select * from apply_in_order(room_commands(batch, sent_at), suspects);
  end if;
end
$$;
