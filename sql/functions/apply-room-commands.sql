-- Applies a batch of room commands in order. Returns one outcome for each command.
-- The sender (a lane) and the number identify the batch. A copy of an applied batch changes nothing: is_new_batch.
-- `singly` applies each command alone. It is for a batch that could not be applied as a whole.
-- Locks: the row of the lane, then as apply_in_order.
-- The settings also hold for all functions that this one calls. Postgres plans a statement once per session, perhaps
-- while the tables are almost empty. The plan must also be right when they are large.
create or replace function apply_room_commands(sender text, number bigint, batch jsonb, singly boolean)
returns setof room_outcome language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  c room_command;
  outcome room_outcome;
begin
  if is_new_batch(sender, number) then
    if not singly then
      return query select * from apply_in_order(room_commands(batch));
    else
      return query select alone.* from jsonb_array_elements(batch) item, apply_alone(item) alone;
    end if;
    return;
  end if;
  foreach c in array room_commands(batch) loop
    outcome := earlier_outcome(c);
    if outcome.command_id is null then outcome := rejected(c.id, 'expired'); end if;
    return next outcome;
  end loop;
end
$$;
