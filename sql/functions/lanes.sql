-- Whether a batch is new to the lane that sent it. A copy of it, or of one before it, is not: whoever applies batches
-- changes nothing for those, so what the first copy refused stays refused.
create or replace function is_new_batch(sender text, number bigint) returns boolean language plpgsql as $$
begin
  insert into lanes as l values (sender, number)
  on conflict on constraint lanes_pkey do update set number = excluded.number, at = now(), outcomes = null
  where l.number < excluded.number;
  if not found then return false; end if;
  -- A lane's first batch: a gateway is new, so others may be long gone.
  if number = 0 then delete from lanes where at < now() - interval '1 day'; end if;
  return true;
end
$$;
