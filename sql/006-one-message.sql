-- A message passes through the functions as one value of the row type `messages`. The columns that count a history get
-- names that say so. These are renames: no row is written.

-- In the order in which batches lock them. Any other order could end in a deadlock with a running worker.
lock table rooms, messages in access exclusive mode;

-- The number of messages that a history of the room shows, and that number up to and including each message.
alter table rooms rename column shown to history_length;
alter table messages rename column place to history_index;
alter index messages_place rename to messages_history_index;

-- The cascade drops all functions that return an outcome. They are created again after this file.
drop type room_outcome cascade;

-- What a room command led to. A refused command has a code and no message.
create type room_outcome as (
  command_id uuid,
  code text,
  -- False if the command had been applied before: its message was broadcast then.
  fresh boolean,
  message messages
);

-- Functions that are gone, and functions whose parameters have other names now.
-- A worker of the previous release finds no apply_… function with its order of parameters, and gets an error.
drop function if exists
  apply_account_commands(jsonb, text, bigint, boolean),
  room_commands(jsonb),
  is_member(uuid, uuid),
  visible_room(uuid, uuid),
  write_refusal(rooms, uuid),
  add_member(uuid, uuid),
  is_shown(text),
  change_refusal(room_command),
  rule_refusal(room_command),
  set_role(uuid, text, boolean);
