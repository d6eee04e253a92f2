-- Applies one account command. Returns {command_id, code, token_version}. The code is null if the command was applied.
-- `sent_at`: see deadline_now. If the command fails, its code is `internal`, or `busy` if it cannot get a lock. The other
-- commands of the batch are still applied. A deadlock is raised again, because then the whole batch must be sent again.
-- Locks: the same rows as the function of the command.
create or replace function apply_account_command(c jsonb, sent_at timestamptz, allow_list_only boolean)
returns jsonb language plpgsql as $$
declare
  code text;
  version bigint;
begin
  if deadline_now((c ->> 'deadline')::timestamptz, sent_at) < rooms_now() then
    code := 'expired';
  else
    case c ->> 'command'
      when 'Register' then code := register(c, allow_list_only);
      when 'UpdateUser' then code := update_user(c, allow_list_only);
      when 'RehashPassword' then code := rehash_password(c);
      when 'Logout' then code := logout(c);
      when 'LogoutAll' then version := logout_all(c);
      when 'ChangeRole' then code := change_role(c);
      when 'ChangeEpoch' then code := change_epoch(c);
    end case;
  end if;
  return jsonb_build_object('command_id', c ->> 'id', 'code', code, 'token_version', version);
exception
  when deadlock_detected then raise;
  when lock_not_available then return jsonb_build_object('command_id', c ->> 'id', 'code', 'busy');
  when others then
    raise log 'command % cannot be applied: % %', c ->> 'id', sqlstate, sqlerrm;
    return jsonb_build_object('command_id', c ->> 'id', 'code', 'internal');
end
$$;
