-- The outcome of a command that must not be applied now: committed if the same command was applied before, refused if
-- its ref belongs to another command or was refused, or its deadline has passed (see refusal_by_ref_or_deadline). All columns are
-- null if the command must be applied.
create or replace function outcome_by_ref_or_deadline(c room_command) returns room_outcome language plpgsql as $$
declare
  earlier messages;
  kept refusals;
  refusal text;
begin
  select * into earlier from messages
  where room_id = c.room_id and user_id = c.actor_id and ref = c.ref;
  select * into kept from refusals where room_id = c.room_id and actor_id = c.actor_id and ref = c.ref;
  refusal := refusal_by_ref_or_deadline(c, earlier, kept);
  if refusal is not null then return rejected(c.id, refusal); end if;
  if earlier.id is not null then return committed(c.id, earlier, false); end if;
  return null;
end
$$;
