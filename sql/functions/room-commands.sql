-- The commands of a batch, in order (see RoomCommand in shared/contract/jobs.ts). A CreateRoom gets the id of its room
-- here. `sent_at`: see deadline_now.
-- This function is in plpgsql, because Postgres before 18 plans an SQL function again at each call.
create or replace function room_commands(batch jsonb, sent_at timestamptz) returns room_command[]
language plpgsql volatile as $$
begin
  return (
    select array_agg(row(
      id, "actorId", ref, deadline_now(deadline, sent_at), command, coalesce(creation.room_id, stored_id("roomId")),
      coalesce(creation.room_id, stored_id("targetId")), text, "roomType"
    )::room_command)
    from jsonb_to_recordset(batch) as (
      id uuid, "actorId" uuid, ref uuid, deadline timestamptz, command text, "roomId" text, "targetId" text,
      text text, "roomType" text
    ), lateral (select case when command = 'CreateRoom' then created_room_id("actorId", ref) end as room_id) creation
  );
end
$$;
