-- The seqs of a page of a history: at most `size` messages, and the message `last_index` of the history is the last one.
-- This needs no index of the history, which every new message would have to pay for.
create or replace function history_seqs(room rooms, last_index bigint, size bigint) returns bigint[]
language plpgsql stable
set enable_seqscan = off
as $$
declare
  first_index bigint := greatest(last_index - size + 1, 1);
  end_index bigint := least(last_index, room.history_length);
  first_seq bigint;
  end_seq bigint;
begin
  if first_index > end_index then return '{}'; end if;
  -- A history shows all messages of this room.
  if room.history_length = room.seq then return array(select generate_series(first_index, end_index)); end if;
  end_seq := seq_at_history_index(room.id, end_index, end_index, room.seq - (room.history_length - end_index));
  first_seq := seq_at_history_index(room.id, first_index, first_index, end_seq - (end_index - first_index));
  return history_seqs_between(room.id, first_index, first_seq, end_index, end_seq);
end
$$;
