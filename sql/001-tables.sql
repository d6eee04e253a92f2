-- Rooms: users, the rooms they are in, and one log of all that happens in each room.
-- timestamptz(3): JSON carries milliseconds, so nothing finer is kept and every reader sees the same instant.

-- Names this database: after a restore from a backup or a move, clients can tell that their seqs may not hold.
create table epoch (
  id uuid not null default gen_random_uuid(),
  only_row boolean primary key default true check (only_row)
);
insert into epoch default values;

create table users (
  id uuid primary key,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  first_name text not null,
  last_name text not null,
  email text not null,
  phone text,
  password_hash text not null,
  roles text[] not null default '{user}'
);
create unique index users_email on users (lower(email));

-- seq is the number of the room's last message; it changes with every batch, so pages keep space for HOT updates.
create table rooms (
  id uuid primary key,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  name text not null,
  -- Null for the rooms that always exist: everyone is in them.
  owner_id uuid references users,
  room_type text not null check (room_type in ('Private', 'Public', 'ReadOnly')),
  seq bigint not null default 0
) with (fillfactor = 50);
create index rooms_everyones on rooms (id) where owner_id is null;

insert into rooms (id, name, room_type) values
  (gen_random_uuid(), 'general', 'Public'),
  (gen_random_uuid(), 'announcements', 'ReadOnly');

create table memberships (
  room_id uuid not null references rooms,
  user_id uuid not null references users,
  created_at timestamptz(3) not null default now(),
  -- The message with which the user came in; 0 where everyone is.
  seq bigint not null default 0,
  primary key (room_id, user_id)
);
create index memberships_user on memberships (user_id, room_id);

-- The log: history, replay and outbox in one. apply_room_commands is its only writer and has looked at the room and
-- the user of every row, so foreign keys would only look again.
create table messages (
  room_id uuid not null,
  seq bigint not null,
  id uuid not null,
  user_id uuid not null,
  command text not null,
  target_id uuid not null,
  text text not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  ref uuid not null,
  -- Of the command as it came: tells a repeated ref from a reused one, also after the text was edited or erased.
  fingerprint bigint not null,
  primary key (room_id, seq)
);
create unique index messages_id on messages (id);
-- Idempotency: one effect for each ref of a user.
create unique index messages_ref on messages (user_id, ref);
-- What a history shows, newest first.
create index messages_history on messages (room_id, seq)
  where command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom');

-- What became of one command; the columns after code are null when there is a code.
create type room_outcome as (
  command_id uuid,
  code text,
  -- False when the command had been applied before: its message was broadcast then.
  fresh boolean,
  id uuid,
  seq bigint,
  room_id uuid,
  user_id uuid,
  command text,
  target_id uuid,
  text text,
  created_at timestamptz,
  updated_at timestamptz,
  ref uuid
);

-- One command of a batch, as the functions pass it on; see RoomCommand in shared/jobs.ts.
create type room_command as (
  id uuid,
  actor_id uuid,
  ref uuid,
  deadline timestamptz,
  command text,
  room_id uuid,
  target_id uuid,
  text text,
  room_type text
);
