-- These functions now have more parameters: the time at which the statement was sent, and the rows that may be locked.
-- sql/functions creates them again after this file.
drop function if exists
  apply_room_commands(text, bigint, bigint, jsonb, boolean),
  apply_create_messages(
    text, bigint, bigint, timestamptz, text[], bigint[], uuid[], uuid[], uuid[], int[], bigint[], text[]
  ),
  apply_as_whole_or_alone(jsonb, boolean),
  apply_alone(jsonb),
  apply_in_order(room_command[]),
  room_commands(jsonb),
  apply_account_commands(text, bigint, jsonb, boolean),
  apply_account_command(jsonb, boolean);
