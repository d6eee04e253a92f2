-- In the order in which batches lock them: while workers are at work, any other order could end in a deadlock.
lock table lanes, rooms, messages, memberships, users in access exclusive mode;

-- Raised when the user logs out everywhere: a token of an older version is over.
alter table users add column token_version bigint not null default 0;
alter table users add constraint users_roles check (roles <@ array['user', 'admin']);
create index users_admins on users (id) where 'admin' = any (roles);

-- For a search by how an e-mail begins. The C order, in which a beginning is a range.
create index users_email_search on users (lower(email) text_pattern_ops);

-- Tokens that were ended before their time, until that has come.
create table revoked_tokens (
  id uuid primary key,
  expires_at timestamptz not null
);
create index revoked_tokens_expiry on revoked_tokens (expires_at);

-- Who may register where ALLOWED_USERS_ONLY is true, and the role that they then have.
create table allowed_users (
  email text primary key check (email = lower(email)),
  role text not null default 'user' check (role in ('user', 'admin')),
  created_at timestamptz not null default now()
);

-- What became of a lane's last batch of account commands, for a copy of it.
alter table lanes add column outcomes jsonb;

-- The first hundred of a room are found without a look at the others; everyone is in `general`.
create index memberships_room on memberships (room_id, created_at, user_id);
