-- What a member has read, and how many messages the history shows after it. A mark is never behind the message that made
-- the user a member. This needs no counter: history_index and history_length count what a history shows, and seqs have no
-- gaps.
-- Postgres inlines this function, so a query that calls it can use indexes.
create or replace function unread_counts(room rooms, member memberships)
returns table (read_seq bigint, unread bigint) language sql stable as $$
  select given.read_seq, case
    when given.read_seq >= room.seq then 0
    else room.history_length - coalesce((
      select m.history_index from messages m where m.room_id = room.id and m.seq = given.read_seq
    ), 0)
  end
  from (select greatest(member.seq, member.read_seq, room.read_by_all) as read_seq) given
$$;
