-- The outcome of a command whose ref or deadline decides it (repeat_refusal).
-- All columns are null if the command must be applied.
create or replace function earlier_outcome(c room_command) returns room_outcome language plpgsql as $$
declare
  earlier messages;
  refusal text;
begin
  select * into earlier from messages where user_id = c.actor_id and ref = c.ref;
  refusal := repeat_refusal(c, earlier);
  if refusal is not null then return rejected(c.id, refusal); end if;
  if earlier.id is not null then return committed(c.id, earlier, false); end if;
  return null;
end
$$;
