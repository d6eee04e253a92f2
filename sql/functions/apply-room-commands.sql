-- Applies a batch of room commands, in their order, and answers one outcome for each.
-- Locks: the rooms of the batch in the order of their ids, then the users who create rooms in the order of theirs.
-- Every batch does it in this order, so no two wait for each other.
-- The settings hold for all that it calls: plans are made once in a session, perhaps while the tables are all but empty,
-- and must do for when they are not.
create or replace function apply_room_commands(batch jsonb) returns setof room_outcome language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  commands room_command[] := array(
    select row(id, "actorId", ref, deadline, command, "roomId", "targetId", text, "roomType")::room_command
    from jsonb_to_recordset(batch) as (
      id uuid, "actorId" uuid, ref uuid, deadline timestamptz, command text, "roomId" uuid, "targetId" uuid,
      text text, "roomType" text
    )
  );
  run record;
begin
  perform from rooms where id in (select room_id from unnest(commands)) order by id for no key update;
  perform from users where id in (select actor_id from unnest(commands) where command = 'CreateRoom')
    order by id for no key update;
  -- Neighbours with the same command make a run; one whose ref stood before in the batch begins a new one.
  for run in
    select c.command, min(c.n) as first, max(c.n) as last
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
    if run.command = 'CreateMessage' then
      return query select * from create_messages(commands[run.first:run.last]);
      continue;
    end if;
    for i in run.first..run.last loop
      case run.command
        when 'UpdateMessage' then return query select * from update_message(commands[i]);
        when 'DeleteMessage' then return query select * from delete_message(commands[i]);
        when 'UpdateRoom' then return query select * from update_room(commands[i]);
        when 'DeleteRoom' then return query select * from delete_room(commands[i]);
        when 'AddUser' then return query select * from add_user(commands[i]);
        when 'RemoveUser' then return query select * from remove_user(commands[i]);
        when 'CreateRoom' then return query select * from create_room(commands[i]);
      end case;
    end loop;
  end loop;
end
$$;
