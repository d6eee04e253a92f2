-- The seqs of the messages first_index to last_index of a history. Both exist.
-- If there are many messages between them that a history does not show, each half is searched alone. So the number of
-- rows that are read depends only on the length of the page.
create or replace function history_seqs_between(room rooms, first_index bigint, last_index bigint) returns bigint[]
language plpgsql stable as $$
declare
  first_seq bigint := seq_at_history_index(room, first_index);
  last_seq bigint := seq_at_history_index(room, last_index);
  middle bigint := (first_index + last_index) / 2;
begin
  if last_seq - first_seq <= 4 * (last_index - first_index) + 20 then
    return array(
      select seq from messages m where m.room_id = room.id and seq between first_seq and last_seq and is_in_history(command)
      order by seq
    );
  end if;
  if first_index + 1 = last_index then return array[first_seq, last_seq]; end if;
  return history_seqs_between(room, first_index, middle) || history_seqs_between(room, middle + 1, last_index);
end
$$;
