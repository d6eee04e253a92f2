-- An admin grants a role to a user, or takes the role away (see set_role).
-- Locks: the advisory lock of role changes. It comes first, so that the caller is still an admin when the role changes.
create or replace function change_role(c jsonb) returns text language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('rooms-roles'));
  if not is_admin((c ->> 'userId')::uuid) then return 'admin_only'; end if;
  return set_role((c ->> 'targetId')::uuid, c ->> 'role', (c ->> 'granted')::boolean);
end
$$;
