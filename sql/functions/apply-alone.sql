-- Applies one command of a batch that could not be applied as a whole. `suspects`: see lock_rows.
-- If the command fails twice, its outcome is `internal`, or `busy` if it cannot get a lock. The other commands of the batch
-- are still applied. The second attempt helps if another batch stored the same ref at the same moment.
-- A deadlock is raised again, because then the whole batch must be sent again.
-- Locks: the same rows as apply_in_order.
create or replace function apply_alone(item jsonb, sent_at timestamptz, suspects uuid[]) returns setof room_outcome
language plpgsql as $$
declare
  code text;
begin
  for attempt in 1..2 loop
    begin
      return query select * from apply_in_order(room_commands(jsonb_build_array(item), sent_at), suspects);
      return;
    exception
      when deadlock_detected then raise;
      when lock_not_available then code := 'busy';
      when others then
        code := 'internal';
        raise log 'command % cannot be applied: % %', item ->> 'id', sqlstate, sqlerrm;
    end;
  end loop;
  begin
    perform keep_refusals(room_commands(jsonb_build_array(item), sent_at), array[code]);
  exception
    -- A command that cannot be read is never applied, so its refusal need not be stored.
    when others then raise log 'the refusal of command % cannot be stored: % %', item ->> 'id', sqlstate, sqlerrm;
  end;
  return next rejected((item ->> 'id')::uuid, code);
end
$$;
