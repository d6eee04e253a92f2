-- Grants a role to a user, or takes the role away. Returns the code of the refusal, or null. To grant a role that the
-- user already has is not an error.
-- Locks: the advisory lock of role changes, then the row of the user. Without the advisory lock, two calls at the same
-- time could remove the last two admins.
create or replace function set_role(target_id uuid, role_name text, granted boolean) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('rooms-roles'));
  if not exists (select from users where id = target_id) then return 'no_such_user'; end if;
  if granted then
    update users set roles = roles || role_name, updated_at = clock_timestamp()
    where id = target_id and not role_name = any (roles);
    return null;
  end if;
  if role_name = 'user' then return 'everyones_role'; end if;
  if role_name = 'admin' and not exists (select from users where has_admin_role(roles) and id <> target_id) then
    return 'last_admin';
  end if;
  update users set roles = array_remove(roles, role_name), updated_at = clock_timestamp()
  where id = target_id and role_name = any (roles);
  return null;
end
$$;
