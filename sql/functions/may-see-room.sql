-- True if a user may see the room and its messages. Every user sees a room that is not private. Only members see a
-- private room. Nobody sees a deleted room. False for a room that is null.
-- Postgres inlines this function, so a condition that calls it can use indexes.
create or replace function may_see_room(room rooms, is_member boolean) returns boolean language sql immutable as $$
  select room.id is not null and room.deleted_at is null and (room.room_type <> 'Private' or is_member)
$$;
