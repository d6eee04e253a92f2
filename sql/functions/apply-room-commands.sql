create or replace function room_commands(batch jsonb) returns room_command[] language sql stable as $$
  select array_agg(row(id, "actorId", ref, deadline, command, "roomId", "targetId", text, "roomType")::room_command)
  from jsonb_to_recordset(batch) as (
    id uuid, "actorId" uuid, ref uuid, deadline timestamptz, command text, "roomId" uuid, "targetId" uuid,
    text text, "roomType" text
  )
$$;

-- Commands that are all of one kind.
create or replace function apply_run(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  kind text := commands[1].command;
  c room_command;
begin
  if kind = 'CreateMessage' then
    return query select * from create_messages(commands);
    return;
  end if;
  foreach c in array commands loop
    case kind
      when 'UpdateMessage' then return query select * from update_message(c);
      when 'DeleteMessage' then return query select * from delete_message(c);
      when 'AddUser' then return query select * from add_user(c);
      when 'RemoveUser' then return query select * from remove_user(c);
      when 'CreateRoom' then return query select * from create_room(c);
      when 'UpdateRoom' then return query select * from update_room(c);
      when 'DeleteRoom' then return query select * from delete_room(c);
    end case;
  end loop;
end
$$;

-- Locks: the rooms of the batch in the order of their ids, then the users who create rooms in the order of theirs.
-- Every batch does it in this order, so no two wait for each other.
create or replace function apply_in_order(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  run record;
begin
  perform from rooms where id in (select room_id from unnest(commands)) order by id for no key update;
  perform from users where id in (select actor_id from unnest(commands) where command = 'CreateRoom')
    order by id for no key update;
  -- Neighbours with the same command make a run; one whose ref stood before in the batch begins a new one.
  for run in
    select min(c.n) as first, max(c.n) as last
    from (
      select t.command, t.n, t.n - row_number() over (partition by t.command order by t.n) as island,
        sum(least(t.use - 1, 1)) over (order by t.n) as repeats
      from (
        select command, n, row_number() over (partition by actor_id, ref order by n) as use
        from (select command, actor_id, ref, row_number() over () as n from unnest(commands)) numbered
      ) t
    ) c
    group by c.command, c.island, c.repeats
    order by first
  loop
    return query select * from apply_run(commands[run.first:run.last]);
  end loop;
end
$$;

-- One command that takes no other with it when it fails. A second try for what fails by chance, such as a ref that
-- another batch stored in the same moment; a deadlock is for the whole batch to try again.
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
  return query select (item ->> 'id')::uuid, 'internal', false, null::uuid, null::bigint, null::uuid, null::uuid,
    null, null::uuid, null, null::timestamptz, null::timestamptz, null::uuid;
end
$$;

-- Applies a batch of room commands, in their order, and answers one outcome for each.
-- A batch is known by its sender (a lane) and its number (is_new_batch).
-- Singly: each command for itself, for a batch that could not be applied as one.
-- The settings hold for all that it calls: plans are made once in a session, perhaps while the tables are all but empty,
-- and must do for when they are not.
create or replace function apply_room_commands(batch jsonb, sender text, number bigint, singly boolean)
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
    outcome := settled(c);
    if outcome.command_id is null then outcome := rejected(c, 'expired'); end if;
    return next outcome;
  end loop;
end
$$;
