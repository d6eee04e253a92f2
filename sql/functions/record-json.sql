-- The JSON of a message with this command, target and text. room_id is the id of the room outside the database, such as
-- `general`. This makes the bytes of encodeMessage (shared/contract/messages.ts). A test compares the two.
create or replace function record_json(message messages, room_id text, command text, target_id uuid, text text)
returns text language sql stable as $$
  select concat(
    '{"id":"', message.id, '","seq":', message.seq, ',"roomId":"', record_json.room_id,
    '","userId":"', message.user_id, '","command":"', record_json.command,
    '","targetId":"', case
      when record_json.target_id = message.room_id then record_json.room_id
      else record_json.target_id::text
    end,
    '","text":', to_json(record_json.text), case when message.name is not null then ',"name":' end, to_json(message.name),
    case when message.mentions is not null and record_json.text <> '' then ',"mentions":' end,
    case when record_json.text <> '' then to_json(message.mentions) end,
    ',"createdAt":"', rfc3339(message.created_at), '","updatedAt":"', rfc3339(message.updated_at),
    '","ref":"', message.ref, '"}'
  )
$$;
