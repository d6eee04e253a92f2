-- The room if the viewer may see it. Otherwise all columns are null.
create or replace function visible_room(room_id uuid, viewer_id uuid) returns rooms language sql stable as $$
  select r from visible_rooms(viewer_id) r where r.id = room_id
$$;
