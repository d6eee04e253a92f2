-- Applies a group of CreateMessage commands as one set: the more commands, the less each of them costs. In a group, no
-- two commands have the same actor and the same ref.
-- All other commands are checked one by one, by outcome_by_ref_or_deadline, visible_room and edit_refusal. Both ways
-- use the same rules, and a test proves that their outcomes are equal.
-- The lateral joins make Postgres look up each row by an index. A plain join could read a whole index.
-- Locks: nothing new. apply_in_order has locked the rooms.
create or replace function create_messages(commands room_command[]) returns setof room_outcome language plpgsql as $$
begin
  return query
  with checked as (
    select c, c.id, row_number() over () as n, earlier,
      coalesce(
        refusal_by_ref_or_deadline(c, earlier, kept),
        case
          when (earlier).id is not null then null
          when not may_see_room(room, m.is_member) then 'no_such_room'
          else write_refusal(room, c.actor_id, m.is_member, is_admin(c.actor_id))
        end
      ) as code
    from unnest(commands) c
    left join lateral (select m as earlier from messages m where m.room_id = c.room_id and m.user_id = c.actor_id and m.ref = c.ref limit 1) e on true
    left join lateral (select k as kept from refusals k where k.room_id = c.room_id and k.actor_id = c.actor_id and k.ref = c.ref limit 1) k on true
    left join lateral (select r as room from rooms r where r.id = c.room_id limit 1) r on true
    cross join lateral (
      select exists (select from memberships m where m.room_id = c.room_id and m.user_id = c.actor_id) as is_member
      offset 0
    ) m
  )
  select ch.id, ch.code, m.id is not null, case when ch.code is null then coalesce(m, ch.earlier) end
  from checked ch
  left join store_messages(
    array(select f.c from checked f where f.code is null and (f.earlier).id is null order by f.n)
  ) m on m.id = ch.id
  order by ch.n;
end
$$;
