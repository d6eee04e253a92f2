-- Ends one token. What has long expired, also by a gateway whose clock is slow, need not be known any more.
create or replace function logout(c jsonb) returns text language plpgsql as $$
begin
  delete from revoked_tokens where expires_at < now() - interval '1 hour';
  insert into revoked_tokens values ((c ->> 'tokenId')::uuid, (c ->> 'expires')::timestamptz) on conflict do nothing;
  return null;
end
$$;

-- Ends all tokens of the user. Answers the version that tokens have from now on; null if there is no such user.
create or replace function logout_all(c jsonb) returns bigint language sql as $$
  update users set token_version = token_version + 1 where id = (c ->> 'userId')::uuid returning token_version
$$;
