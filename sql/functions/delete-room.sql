-- The owner deletes the room. All its memberships end, and nobody sees the room any more. Its messages stay stored.
-- Locks: the rows of the memberships. apply_in_order has locked the room.
create or replace function delete_room(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := owner_refusal(c);
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  delete from memberships where room_id = c.room_id;
  update rooms set deleted_at = clock_timestamp() where id = c.room_id;
  return committed(c.id, store_message(c, 'Room deleted'), true);
end
$$;
