-- A run of CreateMessage commands as one set: what a busy system does most costs least for each. No two have the same
-- ref. The rooms are locked by apply_room_commands, so rooms.seq stands still here.
-- The laterals keep every look-up a look-up: a join could become a walk through all of the index.
create or replace function create_messages(commands room_command[]) returns setof room_outcome
language plpgsql as $$
begin
  return query
  with sent as (
    select t.*, command_fingerprint(t) as fingerprint, row_number() over () as n from unnest(commands) t
  ), judged as (
    select s.*, known, r.seq as head, r.shown,
      case
        when (known).id is not null then case when (known).fingerprint <> s.fingerprint then 'ref_reused' end
        when s.deadline < clock_timestamp() then 'expired'
        when r.id is null or (m.user_id is null and r.room_type = 'Private') then 'no_such_room'
        when m.user_id is null then 'not_a_member'
        when r.room_type = 'ReadOnly' and s.actor_id is distinct from r.owner_id and not 'admin' = any (u.roles)
          then 'read_only_room'
      end as code
    from sent s
    left join lateral (select * from messages where user_id = s.actor_id and ref = s.ref limit 1) known on true
    left join lateral (select * from rooms where rooms.id = s.room_id and deleted_at is null limit 1) r on true
    left join lateral (
      select * from memberships where memberships.room_id = s.room_id and user_id = s.actor_id limit 1
    ) m on true
    left join lateral (select * from users where users.id = s.actor_id limit 1) u on true
  ), counted as (
    select j.*, fresh.fresh, row_number() over (partition by j.room_id, fresh.fresh order by j.n) as step
    from judged j, lateral (select j.code is null and (j.known).id is null as fresh) fresh
  ), numbered as (
    select c.*, clock.at, c.head + c.step as seq, c.shown + c.step as place
    from counted c, (select clock_timestamp() as at) clock
  ), stored as (
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, place)
    select f.room_id, f.seq, f.id, f.actor_id, f.command, f.target_id, f.text, f.at, f.at, f.ref, f.fingerprint, f.place
    from numbered f where f.fresh
  ), advanced as (
    update rooms set seq = last.seq, shown = last.place
    from (select f.room_id, max(f.seq) as seq, max(f.place) as place from numbered f where f.fresh group by f.room_id) last
    where rooms.id = last.room_id
  )
  select f.id, f.code, f.fresh, m.id, m.seq, m.room_id, m.user_id, m.command, m.target_id, m.text,
    m.created_at, m.updated_at, m.ref
  from numbered f
  left join lateral (
    select f.id, f.seq, f.room_id, f.actor_id, f.command, f.target_id, f.text, f.at, f.at, f.ref where f.fresh
    union all
    select k.id, k.seq, k.room_id, k.user_id, k.command, k.target_id, k.text, k.created_at, k.updated_at, k.ref
    from (select (f.known).*) k where f.code is null and k.id is not null
  ) m (id, seq, room_id, user_id, command, target_id, text, created_at, updated_at, ref) on true
  order by f.n;
end
$$;
