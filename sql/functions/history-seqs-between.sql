-- The seqs of the messages `first_index` to `last_index` of a history. The seqs of these two are known.
-- This reads all rows between the two. If that is more than 200 rows for each message of the page, it searches the
-- message in the middle instead, and then continues with each half. A search costs as much as to read hundreds of rows.
create or replace function history_seqs_between(
  room_id uuid, first_index bigint, first_seq bigint, last_index bigint, last_seq bigint
) returns bigint[] language plpgsql stable as $$
declare
  middle_index bigint := (first_index + last_index) / 2;
  middle_seq bigint;
begin
  if first_index = last_index then return array[first_seq]; end if;
  if first_index + 1 = last_index then return array[first_seq, last_seq]; end if;
  if last_seq - first_seq <= 200 * (last_index - first_index) then
    return array(
      select seq from messages m
      where m.room_id = history_seqs_between.room_id and seq between first_seq and last_seq and is_in_history(command)
      order by seq
    );
  end if;
  middle_seq := seq_at_history_index(
    room_id, middle_index, first_seq + (middle_index - first_index), last_seq - (last_index - middle_index)
  );
  return history_seqs_between(room_id, first_index, first_seq, middle_index, middle_seq)
    || (history_seqs_between(room_id, middle_index, middle_seq, last_index, last_seq))[2:];
end
$$;
