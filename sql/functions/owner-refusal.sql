-- Returns why the actor may not change or delete the room, or null if the actor is its owner.
create or replace function owner_refusal(c room_command) returns text language plpgsql stable as $$
declare
  room rooms := visible_room(c.room_id, c.actor_id);
begin
  return case
    when room.id is null then 'no_such_room'
    when room.owner_id is null then 'everyones_room'
    when room.owner_id <> c.actor_id then 'owner_only'
  end;
end
$$;
