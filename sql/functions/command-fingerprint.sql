-- Two commands with the same ref are the same command if their fingerprints are equal.
-- The fingerprint of a CreateRoom leaves out the ids of its room and of its target, which is the room. The gateway
-- makes a new room id for each attempt, and each attempt is the same command.
create or replace function command_fingerprint(c room_command) returns bigint language sql stable as $$
  select hashtextextended(concat_ws(e'\x1f', c.command, c.text, c.room_type,
    case when c.command <> 'CreateRoom' then c.room_id end,
    case when c.command <> 'CreateRoom' then c.target_id end), 0)
$$;
