-- Creates an account. Its user becomes a member of the two rooms that always exist: general and announcements. Their
-- earlier messages count as read.
-- Returns the code of the refusal, or null.
-- If `allow_list_only` is true, the e-mail must be on the allow-list. The list then gives the first role of the
-- account.
-- To become an admin in this way, the user must prove the e-mail with a one-time password.
-- Locks: the new row of the user. If another statement creates an account with the same e-mail, this function waits.
create or replace function register(c jsonb, allow_list_only boolean) returns text language plpgsql as $$
declare
  account_id uuid := c ->> 'id';
  allowed allowed_users;
begin
  if allow_list_only then
    select * into allowed from allowed_users where email = lower(c ->> 'email');
    if allowed.email is null then return 'not_allowed'; end if;
    if allowed.role <> 'user' and not (c ->> 'proven')::boolean then return 'email_unproven'; end if;
  end if;
  insert into users (id, first_name, last_name, email, phone, password_hash, roles)
  values (account_id, c ->> 'firstName', c ->> 'lastName', c ->> 'email', c ->> 'phone', c ->> 'passwordHash',
    case when allowed.role = 'admin' then array['user', 'admin'] else array['user'] end)
  on conflict (lower(email)) do nothing;
  if not found then return 'email_taken'; end if;
  insert into memberships (room_id, user_id, read_seq) select id, account_id, seq from rooms where owner_id is null;
  return null;
end
$$;
