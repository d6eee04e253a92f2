-- Gateways read the memberships and the ends of tokens of the last seconds again and again (notice-reads.ts): their
-- notices can be lost. `seq` is 0 for the two rooms that every user is in from the registration on.
create index memberships_recent on memberships (created_at) where seq > 0;

-- Null for a logout before this file.
alter table revoked_tokens add column user_id uuid, add column revoked_at timestamptz;
create index revoked_tokens_recent on revoked_tokens (revoked_at);

-- When the user last ended all tokens.
alter table users add column tokens_ended_at timestamptz;
create index users_tokens_ended on users (tokens_ended_at) where tokens_ended_at is not null;
