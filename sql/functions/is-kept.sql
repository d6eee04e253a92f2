-- True if a stored refusal is valid for a command with this deadline: if the command was created before the refusal.
-- A command has its deadline 10 seconds after its creation. 0.1 seconds are for the difference between the clocks.
-- So a client that sends a refused command again a moment later makes a new attempt. Null if `kept` is null.
create or replace function is_kept(kept refusals, deadline timestamptz) returns boolean language sql stable as $$
  select deadline <= kept.refused_at + interval '10.1 s'
$$;
