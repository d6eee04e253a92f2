-- Stores a hash of the same password under newer parameters. Does nothing if the password has changed meanwhile.
-- Locks: the row of the user.
create or replace function rehash_password(c jsonb) returns text language plpgsql as $$
begin
  update users set password_hash = c ->> 'passwordHash'
  where id = (c ->> 'userId')::uuid and password_hash = c ->> 'formerHash';
  return null;
end
$$;
