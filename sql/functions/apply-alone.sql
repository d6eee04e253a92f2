-- Applies one command of a batch that could not be applied as a whole.
-- If the command fails twice, its outcome is `internal`, and the other commands of the batch are still applied.
-- The second attempt helps if another batch stored the same ref at the same moment.
-- A deadlock is raised again, because then the whole batch must be sent again.
-- Locks: the same rows as apply_in_order.
create or replace function apply_alone(item jsonb) returns setof room_outcome language plpgsql as $$
begin
  for attempt in 1..2 loop
    begin
      return query select * from apply_in_order(room_commands(jsonb_build_array(item)));
      return;
    exception
      when deadlock_detected then raise;
      when others then raise log 'command % cannot be applied: % %', item ->> 'id', sqlstate, sqlerrm;
    end;
  end loop;
  begin
    perform keep_refusals(room_commands(jsonb_build_array(item)), '{internal}');
  exception
    -- A command that cannot be read is never applied, so its refusal need not be stored.
    when others then raise log 'refusal of command % cannot be stored: % %', item ->> 'id', sqlstate, sqlerrm;
  end;
  return next rejected((item ->> 'id')::uuid, 'internal');
end
$$;
