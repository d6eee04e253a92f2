-- These functions now have a parameter `follows`. sql/functions creates them again after this file.
drop function if exists
  is_new_batch(text, bigint),
  apply_room_commands(text, bigint, jsonb, boolean),
  apply_create_messages(
    text, bigint, timestamptz, text[], bigint[], uuid[], uuid[], uuid[], int[], bigint[], text[]
  );
