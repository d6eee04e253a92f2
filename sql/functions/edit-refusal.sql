-- Returns why the actor may not edit or delete the target message, or null if the actor may.
-- Only a message that a user wrote can change, and only until it is deleted.
create or replace function edit_refusal(c room_command) returns text language plpgsql stable as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
  target messages;
begin
  select * into target from messages where id = c.target_id and room_id = c.room_id;
  return case
    when room.id is null then 'no_such_room'
    when target.id is null then 'no_such_message'
    when target.command <> 'CreateMessage' then 'not_editable'
    when target.user_id <> c.actor_id then 'author_only'
    when target.text = '' then 'no_such_message'
    else write_refusal(room, c.actor_id, is_member(c.room_id, c.actor_id), is_admin(c.actor_id))
  end;
end
$$;
