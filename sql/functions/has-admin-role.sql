-- True if a user with these roles is an admin. Postgres inlines this function, so a query that calls it can use the
-- index users_admins.
create or replace function has_admin_role(roles text[]) returns boolean language sql immutable as $$
  select 'admin' = any (roles)
$$;
