-- Applies commands that all have the same name, in order: CreateMessage commands as one set, all others one by one.
-- Locks: as apply_command.
create or replace function apply_run(commands room_command[]) returns setof room_outcome language plpgsql as $$
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
