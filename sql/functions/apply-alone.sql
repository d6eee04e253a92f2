-- Applies one command. If it fails, its outcome is `internal`, and its neighbours are not affected.
-- A second attempt helps against failures by chance, such as a ref that another batch stored in the same moment.
-- A deadlock is raised, for then the whole batch must be sent again.
-- Locks: as apply_in_order.
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
  return next rejected((item ->> 'id')::uuid, 'internal');
end
$$;
