-- True if the user is a member of as many rooms as the quota allows. The two standing rooms do not count.
-- Reads at most as many rows as the quota.
-- Locks: nothing. apply_in_order has locked the row of the user, so no other batch adds this user meanwhile.
create or replace function has_joined_too_many_rooms(id uuid) returns boolean language plpgsql stable as $$
begin
  return exists (select from memberships where user_id = id offset quota('rooms_per_user') + 1);
end
$$;
