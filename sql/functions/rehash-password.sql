-- Stores a new hash of the same password, made with newer parameters. Does nothing if the stored hash is not
-- `formerHash` any more.
-- Locks: the row of the user.
create or replace function rehash_password(c jsonb) returns text language plpgsql as $$
begin
  update users set password_hash = c ->> 'passwordHash'
  where id = (c ->> 'userId')::uuid and password_hash = c ->> 'formerHash';
  return null;
end
$$;
