-- The owner deletes the room. All its memberships end, and nobody sees the room any more. Its messages stay stored.
-- Locks: the rows of the memberships. apply_in_order has locked the room.
create or replace function delete_room(c room_command) returns room_outcome language plpgsql as $$
declare
  refusal text := owner_refusal(c);
  deletion messages;
begin
  if refusal is not null then return rejected(c.id, refusal); end if;
  update rooms set deleted_at = clock_timestamp() where id = c.room_id;
  deletion := store_message(c, 'Room deleted');
  with ended as (delete from memberships where room_id = c.room_id returning user_id, seq)
  insert into ended_memberships (user_id, room_id, first_seq, last_seq)
  select user_id, c.room_id, seq, deletion.seq from ended;
  return committed(c.id, deletion, true);
end
$$;
