-- The owner deletes the room. Nobody is a member of it any more, and nobody sees it. Its messages stay.
-- Locks: the rows of the memberships. apply_in_order has locked the room.
create or replace function delete_room(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := owner_refusal(c);
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  delete from memberships where room_id = c.room_id;
  update rooms set deleted_at = clock_timestamp() where id = c.room_id;
  return committed(c.id, store_message(c, ''), true);
end
$$;
