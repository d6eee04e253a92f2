-- The outcome of a command that was applied. `message` is the message that records the command.
-- `is_new` is false if the command had been applied before.
create or replace function committed(command_id uuid, message messages, is_new boolean) returns room_outcome
language plpgsql immutable as $$
declare
  outcome room_outcome;
begin
  outcome.command_id := command_id;
  outcome.is_new := is_new;
  outcome.message := message;
  return outcome;
end
$$;
