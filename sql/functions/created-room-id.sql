-- The id of the room that a CreateRoom with this ref makes. The same command gets the same id again, so its room and its
-- outcome are found in the room itself. The id is a UUID of version 8 (RFC 9562) with a hash of the creator and the ref,
-- so nobody can choose the id of another room.
create or replace function created_room_id(creator_id uuid, ref uuid) returns uuid language plpgsql stable as $$
declare
  hash text := encode(sha256(uuid_send(creator_id) || uuid_send(ref)), 'hex');
begin
  return coalesce(
    (select f.room_id from former_creations f where f.user_id = creator_id and f.ref = created_room_id.ref),
    overlay(overlay(left(hash, 32) placing '8' from 13) placing '8' from 17)::uuid
  );
end
$$;
