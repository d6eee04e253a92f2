-- The owner renames the room.
-- Locks: nothing new. apply_in_order has locked the room.
create or replace function update_room(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := owner_refusal(c);
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  update rooms set name = c.text, updated_at = clock_timestamp() where id = c.room_id;
  return committed(c.id, store_message(c, 'Room updated'), true);
end
$$;
