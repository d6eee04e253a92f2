-- Applies commands in order.
-- Locks: the rooms of the commands, in the order of their ids. Then the users who create rooms, in the order of their
-- ids. Every batch locks in this order, so no two batches wait for each other.
create or replace function apply_in_order(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  run record;
begin
  perform from rooms where id in (select room_id from unnest(commands)) order by id for no key update;
  perform from users where id in (select actor_id from unnest(commands) where command = 'CreateRoom')
    order by id for no key update;
  if cardinality(commands) = 1 then
    return query select * from apply_run(commands);
    return;
  end if;
  -- Neighbours with the same name make a run. A command whose ref the batch has used before begins a new run.
  for run in
    select min(n) as first, max(n) as last
    from (
      select n, count(*) filter (where begins) over (order by n) as number
      from (
        select n, command is distinct from lag(command) over (order by n) or use > 1 as begins
        from (
          select command, n, row_number() over (partition by actor_id, ref order by n) as use
          from (select command, actor_id, ref, row_number() over () as n from unnest(commands)) numbered
        ) used
      ) bounded
    ) runs
    group by number
    order by first
  loop
    return query select * from apply_run(commands[run.first:run.last]);
  end loop;
end
$$;
