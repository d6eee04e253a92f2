-- Applies a batch of account commands in order. Returns an array with one object for each command.
-- `lane_key` and `number` identify the batch (see is_new_batch). A copy of a batch changes nothing. A copy of the
-- newest batch of the lane gets the outcomes that are stored with the lane. In a copy of an earlier batch, every
-- command gets `expired`: nobody waits for these outcomes any more. `sent_at`: see deadline_now.
-- If a lock is not free within a second, the commands that need it are refused as `busy`.
-- Locks: the row of the lane. Then the advisory lock of role changes, if there is a ChangeRole. Then the users of the
-- commands, in the order of their ids: apply_in_order locks users in the same order, so there is no deadlock.
create or replace function apply_account_commands(
  lane_key text, number bigint, batch jsonb, sent_at timestamptz, allow_list_only boolean
)
returns jsonb language plpgsql
set enable_seqscan = off set lock_timeout = '1s'
as $$
declare
  batch_outcomes jsonb;
  changes_roles boolean := exists (select from jsonb_array_elements(batch) c where c ->> 'command' = 'ChangeRole');
  user_ids uuid[] := array(
    select distinct (c ->> field)::uuid as id
    from jsonb_array_elements(batch) c, unnest(array['userId', 'targetId']) field where c ? field order by id
  );
  free_ids uuid[] := user_ids;
begin
  if is_new_batch(lane_key, number, null) then
    begin
      if changes_roles then perform pg_advisory_xact_lock(hashtext('rooms-roles')); end if;
      perform from users where id = any (user_ids) order by id for no key update;
    exception
      -- This releases the locks of the first try. The second try does not wait.
      when lock_not_available then
        if changes_roles then changes_roles := pg_try_advisory_xact_lock(hashtext('rooms-roles')); end if;
        free_ids := array(select id from users where id = any (user_ids) order by id for no key update skip locked);
        free_ids := free_ids || array(
          select wanted.id from unnest(user_ids) wanted (id) where not exists (select from users u where u.id = wanted.id)
        );
    end;
    select jsonb_agg(
      case
        when (c ->> 'command' = 'ChangeRole' and not changes_roles)
          or not array_remove(array[(c ->> 'userId')::uuid, (c ->> 'targetId')::uuid], null) <@ free_ids
        then jsonb_build_object('command_id', c ->> 'id', 'code', 'busy')
        else apply_account_command(c, sent_at, allow_list_only)
      end
      order by n
    ) into batch_outcomes
    from jsonb_array_elements(batch) with ordinality as commands (c, n);
    update lanes l set outcomes = batch_outcomes where l.lane_key = apply_account_commands.lane_key;
    return batch_outcomes;
  end if;
  select l.outcomes into batch_outcomes from lanes l
  where l.lane_key = apply_account_commands.lane_key and l.number = apply_account_commands.number;
  return coalesce(batch_outcomes, (
    select jsonb_agg(jsonb_build_object('command_id', c ->> 'id', 'code', 'expired')) from jsonb_array_elements(batch) c
  ));
end
$$;
