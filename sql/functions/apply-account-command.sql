-- Applies one account command. Returns {command_id, code, token_version}. The code is null if the command was applied.
-- If the command fails, its code is `internal`, and its neighbours are not affected. A deadlock is raised, for then the
-- whole batch must be sent again.
-- Locks: what the function of the command locks.
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
  when deadlock_detected then raise;
  when others then
    raise log 'command % cannot be applied: % %', c ->> 'id', sqlstate, sqlerrm;
    return jsonb_build_object('command_id', c ->> 'id', 'code', 'internal');
end
$$;
