-- A user changes their own record. The user must prove a new e-mail with a one-time password. An e-mail that differs
-- only in upper and lower case is not a new e-mail.
-- Returns the code of the refusal, or null.
-- Locks: the row of the user.
create or replace function update_user(c jsonb, allow_list_only boolean) returns text language plpgsql as $$
declare
  known users;
begin
  select * into known from users where id = (c ->> 'userId')::uuid for no key update;
  if known.id is null then return 'no_such_user'; end if;
  if lower(known.email) <> lower(c ->> 'email') then
    if not (c ->> 'proven')::boolean then return 'email_unproven'; end if;
    if allow_list_only and not exists (select from allowed_users where email = lower(c ->> 'email')) then
      return 'not_allowed';
    end if;
  end if;
  update users set first_name = c ->> 'firstName', last_name = c ->> 'lastName', email = c ->> 'email',
    phone = c ->> 'phone', updated_at = clock_timestamp()
  where id = known.id;
  return null;
exception
  when unique_violation then return 'email_taken';
end
$$;
