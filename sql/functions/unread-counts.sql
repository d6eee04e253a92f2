-- What a member has read, how many messages the history shows after it, and how many of these mention the member. Counts
-- at most 1,000 mentions. A mark is never behind the message that made
-- the user a member. This needs no counter: history_index and history_length count what a history shows, and seqs have no
-- gaps.
-- Postgres inlines this function, so a query that calls it can use indexes.
create or replace function unread_counts(room rooms, member memberships)
returns table (read_seq bigint, unread bigint, mentions bigint) language sql stable as $$
  select given.read_seq, case
    when given.read_seq >= room.seq then 0
    else room.history_length - coalesce((
      select m.history_index from messages m where m.room_id = room.id and m.seq = given.read_seq
    ), 0)
  end, case
    when given.read_seq >= room.seq then 0
    else (
      select count(*) from (
        select from mentions x
        where x.user_id = member.user_id and x.room_id = room.id and x.seq > given.read_seq limit 1000
      ) counted
    )
  end
  from (select greatest(member.seq, member.read_seq, room.read_by_all) as read_seq) given
$$;
