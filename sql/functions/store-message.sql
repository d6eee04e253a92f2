-- Stores the message of one command, with this text (store_messages). Returns the stored message.
create or replace function store_message(c room_command, message_text text) returns messages language plpgsql as $$
begin
  return (select m from store_messages(array[c], message_text) m);
end
$$;
