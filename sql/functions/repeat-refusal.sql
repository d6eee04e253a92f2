-- What a repeated ref means. `earlier` is the message that this actor stored with this ref, or null.
-- Returns a code if the ref belongs to another command, or if the command is new and too late. Returns null in two
-- cases: the same command was applied before (`earlier` is its message), or the command is new and in time.
create or replace function repeat_refusal(c room_command, earlier messages) returns text language sql volatile as $$
  select case
    when earlier.id is not null then case when earlier.fingerprint <> command_fingerprint(c) then 'ref_reused' end
    when c.deadline < clock_timestamp() then 'expired'
  end
$$;
