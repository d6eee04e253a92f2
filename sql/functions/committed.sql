-- The outcome of a command that this message records.
create or replace function committed(command_id uuid, message messages, fresh boolean) returns room_outcome
language plpgsql immutable as $$
declare
  outcome room_outcome;
begin
  outcome.command_id := command_id;
  outcome.fresh := fresh;
  outcome.message := message;
  return outcome;
end
$$;
