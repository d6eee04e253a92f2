-- Ends one token. Also deletes the rows of tokens that expired more than an hour ago: by then every gateway refuses
-- them as expired, even a gateway with a slow clock.
-- Locks: the rows of the tokens.
create or replace function logout(c jsonb) returns text language plpgsql as $$
begin
  delete from revoked_tokens where expires_at < now() - interval '1 hour';
  insert into revoked_tokens (id, expires_at, user_id, revoked_at)
  values ((c ->> 'tokenId')::uuid, (c ->> 'expires')::timestamptz, (c ->> 'userId')::uuid, now())
  on conflict do nothing;
  return null;
end
$$;
