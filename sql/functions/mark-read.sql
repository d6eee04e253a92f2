-- Stores that users have read rooms up to these seqs. A mark only moves forward, and never above the head of its room. So
-- a copy of a mark, or a late one, changes nothing. Returns a row for each mark, in order: its counts, as of `head`, or
-- the code of a refusal, if the user is not a member.
-- Locks: the rows of the memberships. It waits for none of them: a mark whose row is locked does not move, and its
-- `read_seq` shows this. So there is no deadlock with a batch that ends memberships.
-- The lateral joins make Postgres look up each row by an index. A plain join could read a whole index.
create or replace function mark_read(user_ids uuid[], room_ids text[], seqs bigint[])
returns table (code text, read_seq bigint, head bigint, unread bigint, mentions bigint) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
begin
  with given as (
    select asked.user_id, stored_id(asked.room_id) as room_id, max(asked.seq) as seq
    from unnest(user_ids, room_ids, seqs) as asked (user_id, room_id, seq) group by 1, 2
  ), locked as materialized (
    select row_of.tid, least(given.seq, room.seq) as seq
    from given, lateral (select r.seq from rooms r where r.id = given.room_id limit 1) room, lateral (
      select m.ctid as tid from memberships m
      where m.room_id = given.room_id and m.user_id = given.user_id
        and coalesce(m.read_seq, 0) < least(given.seq, room.seq)
      limit 1 for no key update skip locked
    ) row_of
  )
  update memberships m set read_seq = greatest(m.read_seq, locked.seq) from locked where m.ctid = locked.tid;

  return query
  select case
      when (row_of.member).user_id is not null then null
      when may_see_room(known.room, false) then 'not_a_member'
      else 'no_such_room'
    end, counts.read_seq, (known.room).seq, counts.unread, counts.mentions
  from unnest(user_ids, room_ids) with ordinality as asked (user_id, room_id, place)
  left join lateral (select r as room from rooms r where r.id = stored_id(asked.room_id) limit 1) known on true
  left join lateral (
    select m as member from memberships m where m.room_id = stored_id(asked.room_id) and m.user_id = asked.user_id limit 1
  ) row_of on true
  left join lateral unread_counts(known.room, row_of.member) counts on (row_of.member).user_id is not null
  order by asked.place;
end
$$;
