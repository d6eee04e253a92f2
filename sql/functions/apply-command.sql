-- Applies one room command, unless its ref or its deadline decides the outcome. CreateMessage is not among the names:
-- create_messages applies it. A test compares the names with shared/contract/commands.ts.
-- Locks: what the function of the command locks. apply_in_order has locked the room, or the actor of a CreateRoom.
create or replace function apply_command(c room_command) returns room_outcome language plpgsql as $$
declare
  outcome room_outcome := earlier_outcome(c);
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
