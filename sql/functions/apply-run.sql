-- Applies commands that all have the same name, in order.
create or replace function apply_run(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  c room_command;
  outcome room_outcome;
begin
  if commands[1].command = 'CreateMessage' then
    return query select * from create_messages(commands);
    return;
  end if;
  foreach c in array commands loop
    outcome := earlier_outcome(c);
    if outcome.command_id is null then
      case c.command
        when 'UpdateMessage' then outcome := update_message(c);
        when 'DeleteMessage' then outcome := delete_message(c);
        when 'AddUser' then outcome := add_user(c);
        when 'RemoveUser' then outcome := remove_user(c);
        when 'CreateRoom' then outcome := create_room(c);
        when 'UpdateRoom' then outcome := update_room(c);
        when 'DeleteRoom' then outcome := delete_room(c);
      end case;
    end if;
    return next outcome;
  end loop;
end
$$;
