-- Who is mentioned in a message: `@` and the name of a member.

-- This is the order in which batches lock these tables. Another order could cause a deadlock with a running worker.
lock table lanes, rooms, messages, memberships, users in access exclusive mode;

-- The members that the text mentions. Null if it mentions nobody.
alter table messages add column mentions uuid[];

-- The same, for counting: the mentions of a user in a room after a seq are a range of the key.
create table mentions (
  user_id uuid not null,
  room_id uuid not null,
  seq bigint not null,
  primary key (user_id, room_id, seq)
);

-- The names, as sql/functions/mentioned-members.sql compares them.
create index users_first_name on users (lower(first_name));
create index users_full_name on users (lower(first_name || ' ' || last_name));

-- These functions return more now, or have one more parameter. sql/functions creates them again after this file.
drop function if exists
  unread_counts(rooms, memberships),
  mark_read(uuid[], text[], bigint[]),
  apply_create_messages(
    text, bigint, bigint, timestamptz, text[], bigint[], uuid[], uuid[], uuid[], int[], bigint[], text[], timestamptz, int
  );
