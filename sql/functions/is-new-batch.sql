-- Whether a batch of this sender (a lane) is new. Stores the number of the newest batch, so a copy of that batch, or of
-- an earlier one, is not new. Such a copy must change nothing: what the first copy refused stays refused.
-- Locks: the row of the lane, until the end of the statement that calls it. So copies of a batch wait for each other.
create or replace function is_new_batch(sender text, number bigint) returns boolean language plpgsql as $$
begin
  insert into lanes as l values (sender, number)
  on conflict on constraint lanes_pkey do update set number = excluded.number, at = now(), outcomes = null
  where l.number < excluded.number;
  if not found then return false; end if;
  -- The first batch of a lane means a new gateway: a good moment to delete lanes of gateways that ended long ago.
  if number = 0 then delete from lanes where at < now() - interval '1 day'; end if;
  return true;
end
$$;
