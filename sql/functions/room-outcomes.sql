-- What the functions for single commands share. None of them locks: apply_room_commands has locked the rooms before.

-- What makes two commands the same; the id of a room about to be created is made by the gateway, so it says nothing.
create or replace function command_fingerprint(c room_command) returns bigint language sql stable as $$
  select hashtextextended(concat_ws(e'\x1f', c.command, c.text, c.room_type,
    case when c.command <> 'CreateRoom' then c.room_id end,
    case when c.command <> 'CreateRoom' then c.target_id end), 0)
$$;

create or replace function rejected(c room_command, code text) returns room_outcome language plpgsql stable as $$
begin
  return row(c.id, code, false, null, null, null, null, null, null, null, null, null, null)::room_outcome;
end
$$;

create or replace function committed(c room_command, m messages, fresh boolean) returns room_outcome
language plpgsql stable as $$
begin
  return row(c.id, null, fresh, m.id, m.seq, m.room_id, m.user_id, m.command, m.target_id, m.text,
    m.created_at, m.updated_at, m.ref)::room_outcome;
end
$$;

-- The outcome of a command that needs no more looking: applied before, its ref used for another, or too late.
-- Null (command_id is null) for one that is still to be applied.
create or replace function settled(c room_command) returns room_outcome language plpgsql as $$
declare
  known messages;
begin
  select * into known from messages where user_id = c.actor_id and ref = c.ref;
  if known.id is not null and known.fingerprint = command_fingerprint(c) then return committed(c, known, false); end if;
  if known.id is not null then return rejected(c, 'ref_reused'); end if;
  if c.deadline < clock_timestamp() then return rejected(c, 'expired'); end if;
  return null;
end
$$;

create or replace function is_member(room uuid, who uuid) returns boolean language sql stable as $$
  select exists (select from memberships where room_id = room and user_id = who)
$$;

-- The room, if this user may know of it: all columns are null otherwise. Private rooms are for their members.
create or replace function visible_room(room uuid, who uuid) returns rooms language sql stable as $$
  select r from rooms r
  where r.id = room and r.deleted_at is null and (r.room_type <> 'Private' or is_member(room, who))
$$;

-- Why a user may not write in a room that he may see; null if he may.
create or replace function write_refusal(room rooms, who uuid) returns text language sql stable as $$
  select case
    when not is_member(room.id, who) then 'not_a_member'
    when room.room_type = 'ReadOnly' and who is distinct from room.owner_id and not 'admin' = any (roles)
      then 'read_only_room'
  end
  from users where id = who
$$;

create or replace function add_member(room uuid, who uuid) returns void language sql as $$
  insert into memberships (room_id, user_id, seq) select room, who, seq + 1 from rooms where id = room
$$;

-- Whether a history shows such a message; as the index messages_place has it.
create or replace function is_shown(command text) returns boolean language sql immutable as $$
  select command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')
$$;

-- Stores what a command did as the next message of its room.
create or replace function record_message(c room_command, message_text text) returns room_outcome
language plpgsql as $$
declare
  stored messages;
  at timestamptz := clock_timestamp();
  room rooms;
begin
  update rooms set seq = seq + 1, shown = shown + is_shown(c.command)::int where id = c.room_id returning * into room;
  insert into messages
    (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, place)
  values
    (room.id, room.seq, c.id, c.actor_id, c.command, c.target_id, message_text, at, at, c.ref, command_fingerprint(c),
      room.shown)
  returning * into stored;
  return committed(c, stored, true);
end
$$;
