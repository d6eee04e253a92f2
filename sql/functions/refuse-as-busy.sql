-- Refuses these commands as `busy`, because another session has locked a row that they need. If a command was applied or
-- refused before, it gets its first outcome.
-- Locks: the rows of the refusals.
create or replace function refuse_as_busy(commands room_command[]) returns setof room_outcome language plpgsql as $$
declare
  c room_command;
  outcome room_outcome;
  codes text[] := '{}';
begin
  foreach c in array commands loop
    outcome := outcome_by_ref_or_deadline(c);
    if outcome.command_id is null then outcome := rejected(c.id, 'busy'); end if;
    return next outcome;
    codes := codes || outcome.code;
  end loop;
  perform keep_refusals(commands, codes);
end
$$;
