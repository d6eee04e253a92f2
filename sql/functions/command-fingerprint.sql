-- Two commands with the same ref are the same command if their fingerprints are equal.
-- The gateway makes the id of a new room, so each attempt of a CreateRoom has another one: it does not count.
create or replace function command_fingerprint(c room_command) returns bigint language sql stable as $$
  select hashtextextended(concat_ws(e'\x1f', c.command, c.text, c.room_type,
    case when c.command <> 'CreateRoom' then c.room_id end,
    case when c.command <> 'CreateRoom' then c.target_id end), 0)
$$;
