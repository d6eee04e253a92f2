-- The number that the worker has set for a quota, such as `edits_per_message` (shared/quotas.ts). A session without the
-- setting has no quota: the function then returns a number that nothing reaches.
create or replace function quota(name text) returns bigint language plpgsql stable as $$
begin
  return coalesce(nullif(current_setting('rooms.' || name, true), '')::bigint, 1000000000000);
end
$$;
