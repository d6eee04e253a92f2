-- Returns the reason to refuse a command because of its ref or its deadline, or null if there is none. `earlier` is
-- the message that the same actor stored with the same ref, or null. `kept` is the stored refusal of this ref, or null.
-- `ref_reused`: the ref belongs to another command. `expired`: the command is new, and its deadline has passed. Null if
-- the same command was applied before (`earlier` is its message), or if the command is new and in time.
create or replace function refusal_by_ref_or_deadline(c room_command, earlier messages, kept refusals) returns text
language sql volatile as $$
  select case
    when earlier.id is not null then case when earlier.fingerprint <> command_fingerprint(c) then 'ref_reused' end
    when is_kept(kept, c.deadline) then kept.code
    when c.deadline < rooms_now() then 'expired'
  end
$$;
