-- The outcome of a command that is refused with this code.
create or replace function rejected(command_id uuid, code text) returns room_outcome language plpgsql immutable as $$
declare
  outcome room_outcome;
begin
  outcome.command_id := command_id;
  outcome.code := code;
  outcome.is_new := false;
  return outcome;
end
$$;
