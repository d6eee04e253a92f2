-- Gives the database another epoch, if it still has the epoch of the command. So it changes once, also if several gateways
-- notice that Postgres has gone back in time, or if a command comes twice.
-- Locks: the row of the epoch.
create or replace function change_epoch(c jsonb) returns text language plpgsql as $$
begin
  update epoch set id = gen_random_uuid() where id = (c ->> 'epoch')::uuid;
  return null;
end
$$;
