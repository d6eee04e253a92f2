-- Deletes the counted mentions of a message. Its row still has them: the caller changes it.
-- Locks: the rows of the mentions. The caller has locked the room.
create or replace function forget_mentions(message_id uuid) returns void language plpgsql as $$
declare
  message messages;
begin
  select * into message from messages where id = message_id;
  if message.mentions is null then return; end if;
  delete from mentions m
  where m.user_id = any (message.mentions) and m.room_id = message.room_id and m.seq = message.seq;
end
$$;
