-- Stores the message of one command, with this text (store_messages).
create or replace function store_message(c room_command, message_text text) returns messages language sql as $$
  select m from store_messages(array[c], message_text) m
$$;
