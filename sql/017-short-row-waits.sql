-- These functions now have a parameter `row_wait_ms`: how long the statement waits for the row of a room or a user.
-- sql/functions creates them again after this file.
drop function if exists
  apply_room_commands(text, bigint, bigint, jsonb, timestamptz, text[], boolean),
  apply_create_messages(
    text, bigint, bigint, timestamptz, text[], bigint[], uuid[], uuid[], uuid[], int[], bigint[], text[], timestamptz
  );
