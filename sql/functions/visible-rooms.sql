-- The rooms that the viewer may see (see may_see_room). Postgres inlines this function, so a query on it can use
-- indexes.
create or replace function visible_rooms(viewer_id uuid) returns setof rooms language sql stable as $$
  select r.* from rooms r
  where may_see_room(r, exists (select from memberships m where m.room_id = r.id and m.user_id = viewer_id))
$$;
