-- Two commands with the same ref are the same command if their fingerprints are equal.
-- The fingerprint of a CreateRoom leaves out the ids of its room and of its target, which is the room. The fingerprints
-- that 0.1.0 stored leave them out: in 0.1.0, each attempt of the same command had a new room id.
create or replace function command_fingerprint(c room_command) returns bigint language sql stable as $$
  select hashtextextended(concat_ws(e'\x1f', c.command, c.text, c.room_type,
    case when c.command <> 'CreateRoom' then c.room_id end,
    case when c.command <> 'CreateRoom' then c.target_id end), 0)
$$;
