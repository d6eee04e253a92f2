-- Applies commands in order. A command that needs a row that cannot be locked is refused as `busy` (see lock_rows).
-- Locks: the rows of lock_rows. Every batch locks rows in this order, so there is no deadlock between two batches. At last
-- the refusals.
create or replace function apply_in_order(commands room_command[], suspects uuid[]) returns setof room_outcome
language plpgsql as $$
declare
  command_group record;
  locked uuid[] := lock_rows(commands, suspects);
begin
  if locked <> '{}' then
    return query select * from refuse_as_busy(array(select c from unnest(commands) c where needs_one_of(c, locked)));
    commands := array(select c from unnest(commands) c where not needs_one_of(c, locked));
  end if;
  if cardinality(commands) < 2 then
    return query select * from apply_and_keep_refusals(commands);
    return;
  end if;
  -- Commands that follow each other and have the same name make a group. A command begins a new group if an earlier
  -- command of the batch has the same room, actor and ref.
  for command_group in
    select min(n) as first, max(n) as last
    from (
      select n, count(*) filter (where begins_group) over (order by n) as group_number
      from (
        select n, command is distinct from lag(command) over (order by n) or nth_use_of_ref > 1 as begins_group
        from (
          select command, n, row_number() over (partition by room_id, actor_id, ref order by n) as nth_use_of_ref
          from (select command, room_id, actor_id, ref, row_number() over () as n from unnest(commands)) numbered
        ) with_uses_of_ref
      ) with_group_starts
    ) with_group_numbers
    group by group_number
    order by first
  loop
    return query select * from apply_and_keep_refusals(commands[command_group.first:command_group.last]);
  end loop;
end
$$;
