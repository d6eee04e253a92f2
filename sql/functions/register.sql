-- A new account, in the rooms that are for everyone. Where only those on the list may register, the list gives the role;
-- one with more rights than everyone's only against proof of the address.
create or replace function register(c jsonb, allowed_only boolean) returns text language plpgsql as $$
declare
  account uuid := c ->> 'id';
  allowed allowed_users;
begin
  if allowed_only then
    select * into allowed from allowed_users where email = lower(c ->> 'email');
    if allowed.email is null then return 'not_allowed'; end if;
    if allowed.role <> 'user' and not (c ->> 'proven')::boolean then return 'email_unproven'; end if;
  end if;
  insert into users (id, first_name, last_name, email, phone, password_hash, roles)
  values (account, c ->> 'firstName', c ->> 'lastName', c ->> 'email', c ->> 'phone', c ->> 'passwordHash',
    case when allowed.role = 'admin' then array['user', 'admin'] else array['user'] end)
  on conflict (lower(email)) do nothing;
  if not found then return 'email_taken'; end if;
  insert into memberships (room_id, user_id) select id, account from rooms where owner_id is null;
  return null;
end
$$;
