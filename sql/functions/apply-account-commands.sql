-- A new account, in the rooms that are for everyone. Idempotent by the account's id. Locks nothing but what it inserts.
create or replace function register(c jsonb) returns text language plpgsql as $$
declare
  account uuid := c ->> 'id';
begin
  if exists (select from users where id = account) then return null; end if;
  if (c ->> 'deadline')::timestamptz < clock_timestamp() then return 'expired'; end if;
  insert into users (id, first_name, last_name, email, password_hash)
  values (account, c ->> 'firstName', c ->> 'lastName', c ->> 'email', c ->> 'passwordHash')
  on conflict (lower(email)) do nothing;
  if not found then
    -- A copy of this command may have been a moment faster.
    return case when not exists (select from users where id = account) then 'email_taken' end;
  end if;
  insert into memberships (room_id, user_id) select id, account from rooms where owner_id is null;
  return null;
end
$$;

-- Applies a batch of account commands, in their order; code is null where a command was applied, now or before.
create or replace function apply_account_commands(batch jsonb) returns table (command_id uuid, code text)
language plpgsql as $$
declare
  c jsonb;
begin
  for c in select * from jsonb_array_elements(batch) loop
    command_id := c ->> 'id';
    begin
      case c ->> 'command'
        when 'Register' then code := register(c);
      end case;
    exception
      when others then
        raise log 'command % cannot be applied: % %', command_id, sqlstate, sqlerrm;
        code := 'internal';
    end;
    return next;
  end loop;
end
$$;
