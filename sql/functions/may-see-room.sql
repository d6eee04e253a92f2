-- Who may see a room and its messages: its members, and everyone if it is not private. Nobody sees a deleted room.
-- False for a room that is null. Postgres inlines this function, so a condition on it can use indexes.
create or replace function may_see_room(room rooms, is_member boolean) returns boolean language sql immutable as $$
  select room.id is not null and room.deleted_at is null and (room.room_type <> 'Private' or is_member)
$$;
