-- The refusals of the last seconds. A copy of a refused command may come later, from another gateway, when the actor has
-- got the right. It gets the same refusal (see sql/functions/refusal-by-ref-or-deadline.sql).
-- The table is logged: after a crash of Postgres an unlogged table would be empty.
create table refusals (
  room_id uuid not null,
  actor_id uuid not null,
  ref uuid not null,
  code text not null,
  refused_at timestamptz not null,
  primary key (room_id, actor_id, ref)
);
create index refusals_age on refusals (refused_at);

-- This function now has a parameter `kept`. sql/functions creates it again after this file.
drop function if exists refusal_by_ref_or_deadline(room_command, messages);
