-- The author erases the text, here and in all its edits; the message keeps its place.
create or replace function delete_message(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := settled(c);
  refusal text := change_refusal(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  if refusal is not null then return rejected(c, refusal); end if;
  update messages set text = '', updated_at = clock_timestamp() where id = c.target_id;
  update messages set text = '' where target_id = c.target_id and command = 'UpdateMessage';
  return record_message(c, '');
end
$$;
