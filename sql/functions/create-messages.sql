-- Applies a run of CreateMessage commands as one set: the more commands, the less each costs. No two of them have the
-- same actor and ref.
-- The other commands are checked one by one (earlier_outcome, visible_room, edit_refusal). Both forms call the same rules,
-- and a test proves that they agree. The laterals make Postgres look each row up: a join could read a whole index.
-- Locks: nothing new. apply_in_order has locked the rooms.
create or replace function create_messages(commands room_command[]) returns setof room_outcome language plpgsql as $$
begin
  return query
  with judged as (
    select c, c.id, row_number() over () as n, earlier,
      coalesce(
        repeat_refusal(c, earlier),
        case
          when (earlier).id is not null then null
          when not may_see_room(room, m.is_member) then 'no_such_room'
          else write_refusal(room, c.actor_id, m.is_member, is_admin(c.actor_id))
        end
      ) as code
    from unnest(commands) c
    left join lateral (select m as earlier from messages m where m.user_id = c.actor_id and m.ref = c.ref limit 1) e on true
    left join lateral (select r as room from rooms r where r.id = c.room_id limit 1) r on true
    cross join lateral (
      select exists (select from memberships m where m.room_id = c.room_id and m.user_id = c.actor_id) as is_member
      offset 0
    ) m
  )
  select j.id, j.code, m.id is not null, case when j.code is null then coalesce(m, j.earlier) end
  from judged j
  left join store_messages(
    array(select f.c from judged f where f.code is null and (f.earlier).id is null order by f.n)
  ) m on m.id = j.id
  order by j.n;
end
$$;
