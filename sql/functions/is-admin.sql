-- True if the user is an admin. False if there is no such user.
create or replace function is_admin(user_id uuid) returns boolean language sql stable as $$
  select exists (select from users u where u.id = user_id and has_admin_role(u.roles))
$$;
