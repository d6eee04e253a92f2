-- Stores the message of one command, with this text (store_messages). Returns the stored message.
create or replace function store_message(c room_command, message_text text) returns messages language plpgsql as $$
declare
  stored messages;
begin
  select * into stored from store_messages(array[c], message_text);
  return stored;
end
$$;
