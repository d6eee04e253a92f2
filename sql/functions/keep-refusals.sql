-- Stores the refusals of these commands, so that a copy of a refused command is refused too. `codes` has the code of each
-- command, or null if the command was applied.
-- `expired` and `ref_reused` are not stored: every copy gets them anyway. A refusal that comes from a stored one keeps its
-- first time. Otherwise a client that repeats a command quickly would be refused without end.
-- Deletes refusals that are older than 30 seconds: all commands that were created before them are expired.
-- Locks: the rows of the refusals, in the order of their keys.
create or replace function keep_refusals(commands room_command[], codes text[]) returns void language plpgsql as $$
begin
  insert into refusals (room_id, actor_id, ref, code, refused_at)
  select distinct on (given.room_id, given.actor_id, given.ref)
    given.room_id, given.actor_id, given.ref, given.code, rooms_now()
  from unnest(commands, codes) as given (
    id, actor_id, ref, deadline, command, room_id, target_id, text, room_type, code
  )
  left join lateral (
    select k as kept from refusals k
    where k.room_id = given.room_id and k.actor_id = given.actor_id and k.ref = given.ref limit 1
  ) k on true
  where given.code not in ('expired', 'ref_reused') and is_kept(kept, given.deadline) is not true
  order by given.room_id, given.actor_id, given.ref
  on conflict (room_id, actor_id, ref) do update set code = excluded.code, refused_at = excluded.refused_at;
  -- Twice the size of a batch, so that the table shrinks also while every command is refused.
  delete from refusals where ctid = any (array(
    select ctid from refusals where refused_at < rooms_now() - interval '30 s'
    order by refused_at limit 2000 for update skip locked
  ));
end
$$;
