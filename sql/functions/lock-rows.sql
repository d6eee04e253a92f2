-- Locks the rows that the commands need. Returns the ids of the rows that it cannot lock.
-- `suspects` are rooms and users that another session may have locked for a long time. This function does not wait for
-- these rows. It waits for every other row, at most for lock_timeout.
-- Locks: the rooms in the order of their ids, then the rooms among the suspects. Then the same for the users who become
-- members by a CreateRoom or an AddUser. A batch that locks a suspect does not wait for it, so there is no deadlock.
-- The lateral joins make Postgres look up each row by an index. A plain join could read a whole index.
create or replace function lock_rows(commands room_command[], suspects uuid[]) returns uuid[] language plpgsql as $$
declare
  wanted uuid[] := array(select distinct room_id from unnest(commands) order by room_id);
  members uuid[];
  locked uuid[];
begin
  perform from unnest(wanted) as given (id), lateral (
    select from rooms r where r.id = given.id limit 1 for no key update
  ) room
  where given.id <> all (suspects);
  with free as materialized (
    select id from rooms where id = any (suspects) and id = any (wanted) for no key update skip locked
  )
  select coalesce(array_agg(id), '{}') into locked from rooms
  where id = any (suspects) and id = any (wanted) and id not in (select id from free);

  members := array(
    select distinct case command when 'CreateRoom' then actor_id else target_id end as id
    from unnest(commands) where command in ('CreateRoom', 'AddUser') order by id
  );
  if members = '{}' then return locked; end if;
  perform from unnest(members) as given (id), lateral (
    select from users u where u.id = given.id limit 1 for no key update
  ) person
  where given.id <> all (suspects);
  with free as materialized (
    select id from users where id = any (suspects) and id = any (members) for no key update skip locked
  )
  select locked || coalesce(array_agg(id), '{}') into locked from users
  where id = any (suspects) and id = any (members) and id not in (select id from free);
  return locked;
end
$$;
