-- Gives a user a role, or takes it, whoever asks; null, or why not. What is so already is no error.
-- One change after the other, for the last admin must be known to be the last.
create or replace function set_role(who uuid, changed text, granted boolean) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('rooms-roles'));
  if not exists (select from users where id = who) then return 'no_such_user'; end if;
  if granted then
    update users set roles = roles || changed, updated_at = clock_timestamp()
    where id = who and not changed = any (roles);
    return null;
  end if;
  if changed = 'user' then return 'everyones_role'; end if;
  if changed = 'admin' and not exists (select from users where 'admin' = any (roles) and id <> who) then
    return 'last_admin';
  end if;
  update users set roles = array_remove(roles, changed), updated_at = clock_timestamp()
  where id = who and changed = any (roles);
  return null;
end
$$;

-- As an admin asks for it.
create or replace function change_role(c jsonb) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('rooms-roles'));
  if not exists (select from users where id = (c ->> 'userId')::uuid and 'admin' = any (roles)) then
    return 'admin_only';
  end if;
  return set_role((c ->> 'targetId')::uuid, c ->> 'role', (c ->> 'granted')::boolean);
end
$$;
