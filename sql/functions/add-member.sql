-- Makes the user a member of the room. The membership begins with the next message of the room.
-- The caller of this function has locked the room, and stores that message.
create or replace function add_member(room_id uuid, user_id uuid) returns void language sql as $$
  insert into memberships (room_id, user_id, seq) select r.id, add_member.user_id, r.seq + 1
  from rooms r where r.id = add_member.room_id
$$;
