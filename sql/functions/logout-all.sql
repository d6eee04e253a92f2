-- Ends all tokens of the user. Returns the token version that new tokens get, or null if there is no such user.
-- Locks: the row of the user.
create or replace function logout_all(c jsonb) returns bigint language sql as $$
  update users set token_version = token_version + 1, tokens_ended_at = now() where id = (c ->> 'userId')::uuid
  returning token_version
$$;
