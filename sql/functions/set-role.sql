-- Grants a role to a user, or takes it away. Returns the code of the refusal, or null. No change is no error.
-- Locks: the advisory lock of role changes, then the row of the user. Without the first lock, two calls at the same time
-- could each remove one of the last two admins.
create or replace function set_role(target_id uuid, changed text, granted boolean) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('rooms-roles'));
  if not exists (select from users where id = target_id) then return 'no_such_user'; end if;
  if granted then
    update users set roles = roles || changed, updated_at = clock_timestamp()
    where id = target_id and not changed = any (roles);
    return null;
  end if;
  if changed = 'user' then return 'everyones_role'; end if;
  if changed = 'admin' and not exists (select from users where has_admin_role(roles) and id <> target_id) then
    return 'last_admin';
  end if;
  update users set roles = array_remove(roles, changed), updated_at = clock_timestamp()
  where id = target_id and changed = any (roles);
  return null;
end
$$;
