-- Applies commands that all have the same name, in order. CreateMessage commands are applied as one set. All other
-- commands are applied one by one.
-- Locks: the same rows as apply_command.
create or replace function apply_group(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  c room_command;
begin
  if commands[1].command = 'CreateMessage' then
    return query select * from create_messages(commands);
    return;
  end if;
  foreach c in array commands loop
    return next apply_command(c);
  end loop;
end
$$;
