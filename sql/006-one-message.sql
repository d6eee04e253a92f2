-- The functions pass a message as one value of the row type `messages`. Some columns get clearer names. A rename writes
-- no row.

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages in access exclusive mode;

-- The key of a lane names the lane among the lanes of all gateways.
alter table lanes rename column sender to lane_key;

-- history_length: how many messages a history of the room shows. history_index: how many of them there are up to and
-- including this message.
alter table rooms rename column shown to history_length;
alter table messages rename column place to history_index;
alter index messages_place rename to messages_history_index;

-- The cascade drops all functions that return an outcome. sql/functions creates them again after this file.
drop type room_outcome cascade;

-- The outcome of a room command. A refused command has a code and no message.
create type room_outcome as (
  command_id uuid,
  code text,
  -- False if the command had been applied before, in this batch or in an earlier one.
  is_new boolean,
  message messages
);

-- Functions of release 0.1.0 that do not exist any more, or whose parameters have other names now.
-- A worker of that release finds no apply_… function with its order of parameters, and gets an error.
drop function if exists
  apply_account_command(jsonb, boolean),
  apply_account_commands(jsonb, text, bigint, boolean),
  is_new_batch(text, bigint),
  register(jsonb, boolean),
  update_user(jsonb, boolean),
  room_commands(jsonb),
  is_member(uuid, uuid),
  visible_room(uuid, uuid),
  write_refusal(rooms, uuid),
  add_member(uuid, uuid),
  is_shown(text),
  change_refusal(room_command),
  rule_refusal(room_command),
  set_role(uuid, text, boolean);
