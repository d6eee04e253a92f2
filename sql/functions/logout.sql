-- Ends one token. Deletes tokens that expired by themselves an hour ago or more: by then every gateway refuses them,
-- also one with a slow clock.
-- Locks: the rows of the tokens.
create or replace function logout(c jsonb) returns text language plpgsql as $$
begin
  delete from revoked_tokens where expires_at < now() - interval '1 hour';
  insert into revoked_tokens values ((c ->> 'tokenId')::uuid, (c ->> 'expires')::timestamptz) on conflict do nothing;
  return null;
end
$$;
