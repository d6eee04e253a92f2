-- Applies a group of commands that all have the same name, in order, and stores its refusals.
-- Locks: the same rows as apply_group, then the rows of the refusals.
create or replace function apply_and_keep_refusals(commands room_command[]) returns setof room_outcome
language plpgsql as $$
declare
  outcome room_outcome;
  codes text[] := '{}';
  has_refusal boolean := false;
begin
  for outcome in select * from apply_group(commands) loop
    return next outcome;
    codes := codes || outcome.code;
    has_refusal := has_refusal or outcome.code is not null;
  end loop;
  if has_refusal then perform keep_refusals(commands, codes); end if;
end
$$;
