-- Creates an account, as a member of the two standing rooms. Returns the code of the refusal, or null.
-- If only the allow-list may register, the list also gives the role. Then an admin must prove their e-mail.
-- Locks: the new row of the user. An account with the same e-mail that is being created makes it wait.
create or replace function register(c jsonb, allowed_only boolean) returns text language plpgsql as $$
declare
  account_id uuid := c ->> 'id';
  allowed allowed_users;
begin
  if allowed_only then
    select * into allowed from allowed_users where email = lower(c ->> 'email');
    if allowed.email is null then return 'not_allowed'; end if;
    if allowed.role <> 'user' and not (c ->> 'proven')::boolean then return 'email_unproven'; end if;
  end if;
  insert into users (id, first_name, last_name, email, phone, password_hash, roles)
  values (account_id, c ->> 'firstName', c ->> 'lastName', c ->> 'email', c ->> 'phone', c ->> 'passwordHash',
    case when allowed.role = 'admin' then array['user', 'admin'] else array['user'] end)
  on conflict (lower(email)) do nothing;
  if not found then return 'email_taken'; end if;
  insert into memberships (room_id, user_id) select id, account_id from rooms where owner_id is null;
  return null;
end
$$;
