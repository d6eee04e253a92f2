-- One account command: what it answers, as {command_id, code, token_version}. code is null where it was applied.
create or replace function apply_account_command(c jsonb, allowed_only boolean) returns jsonb language plpgsql as $$
declare
  code text;
  version bigint;
begin
  if (c ->> 'deadline')::timestamptz < clock_timestamp() then
    code := 'expired';
  else
    case c ->> 'command'
      when 'Register' then code := register(c, allowed_only);
      when 'UpdateUser' then code := update_user(c, allowed_only);
      when 'RehashPassword' then code := rehash_password(c);
      when 'Logout' then code := logout(c);
      when 'LogoutAll' then version := logout_all(c);
      when 'ChangeRole' then code := change_role(c);
    end case;
  end if;
  return jsonb_build_object('command_id', c ->> 'id', 'code', code, 'token_version', version);
exception
  when deadlock_detected then raise; -- for the whole batch to try again
  when others then
    raise log 'command % cannot be applied: % %', c ->> 'id', sqlstate, sqlerrm;
    return jsonb_build_object('command_id', c ->> 'id', 'code', 'internal');
end
$$;

-- Applies a batch of account commands, in their order, and answers an object for each.
-- A copy of a lane's last batch (is_new_batch) gets the answers that it got; nobody waits for those of one before it.
-- Locks: the row of the lane, then what each command needs.
create or replace function apply_account_commands(batch jsonb, sender text, number bigint, allowed_only boolean)
returns jsonb language plpgsql as $$
declare
  answers jsonb;
begin
  if is_new_batch(sender, number) then
    select jsonb_agg(apply_account_command(c, allowed_only) order by n) into answers
    from jsonb_array_elements(batch) with ordinality as commands (c, n);
    update lanes l set outcomes = answers where l.sender = apply_account_commands.sender;
    return answers;
  end if;
  select l.outcomes into answers from lanes l
  where l.sender = apply_account_commands.sender and l.number = apply_account_commands.number;
  return coalesce(answers, (
    select jsonb_agg(jsonb_build_object('command_id', c ->> 'id', 'code', 'expired')) from jsonb_array_elements(batch) c
  ));
end
$$;
