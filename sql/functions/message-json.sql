-- The JSON of a message as a history shows it. An edited or deleted message has the command of its last change, and this
-- change is about the message itself. room_id is the id of the room outside the database, such as `general`.
-- This makes the bytes of encodeMessage (shared/contract/messages.ts). A test compares the two.
create or replace function message_json(message messages, room_id text) returns text language sql stable as $$
  select concat(
    '{"id":"', message.id, '","seq":', message.seq, ',"roomId":"', message_json.room_id,
    '","userId":"', message.user_id, '","command":"', coalesce(message.last_change, message.command),
    '","targetId":"', case
      when message.last_change is not null then message.id::text
      when message.target_id = message.room_id then message_json.room_id
      else message.target_id::text
    end,
    '","text":', to_json(message.text), case when message.name is not null then ',"name":' end, to_json(message.name),
    ',"createdAt":"', rfc3339(message.created_at), '","updatedAt":"', rfc3339(message.updated_at),
    '","ref":"', message.ref, '"}'
  )
$$;
