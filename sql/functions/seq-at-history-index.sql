-- The seq of the message that a history shows at this history_index. The message exists, and its seq is from `lowest`
-- to `highest`.
-- A binary search over the seqs, which have no gaps. From one message to the next, history_index grows by 0 or 1. So each
-- step bounds the seq more closely. If the history shows nearly all messages, nearly nothing is left to search.
create or replace function seq_at_history_index(room_id uuid, wanted bigint, lowest bigint, highest bigint)
returns bigint language plpgsql stable as $$
declare
  middle bigint;
  index bigint;
begin
  while lowest < highest loop
    middle := (lowest + highest) / 2;
    select history_index into strict index from messages m
    where m.room_id = seq_at_history_index.room_id and m.seq = middle;
    if index >= wanted then highest := middle - (index - wanted);
    else lowest := middle + (wanted - index);
    end if;
  end loop;
  return highest;
end
$$;
