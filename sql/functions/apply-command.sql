-- Applies one room command that is not a CreateMessage: create_messages applies those.
-- If the ref was used before or the deadline has passed, the command is not applied (see outcome_by_ref_or_deadline).
-- A test compares the names with shared/contract/commands.ts.
-- Locks: the same rows as the function of the command. apply_in_order has locked the room, or the actor of a
-- CreateRoom.
create or replace function apply_command(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := outcome_by_ref_or_deadline(c);
begin
  if outcome.command_id is not null then return outcome; end if;
  case c.command
    when 'UpdateMessage' then return update_message(c);
    when 'DeleteMessage' then return delete_message(c);
    when 'AddUser' then return add_user(c);
    when 'RemoveUser' then return remove_user(c);
    when 'CreateRoom' then return create_room(c);
    when 'UpdateRoom' then return update_room(c);
    when 'DeleteRoom' then return delete_room(c);
  end case;
end
$$;
