-- Stores one message for the command, with this text, and returns the message (see store_messages).
create or replace function store_message(c room_command, message_text text) returns messages language plpgsql as $$
begin
  return (select m from store_messages(array[c], message_text) m);
end
$$;
