-- The JSON of a message as a history shows it. An edited or deleted message has the command of its last change, and this
-- change is about the message itself. room_id is the id of the room outside the database, such as `general`.
create or replace function message_json(message messages, room_id text) returns text language sql stable as $$
  select record_json(
    message, message_json.room_id, coalesce(message.last_change, message.command),
    case when message.last_change is null then message.target_id else message.id end, message.text
  )
$$;
