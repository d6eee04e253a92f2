-- Applies a batch of only CreateMessage commands, in order, with much less work for each command than
-- apply_room_commands. Does this only if the batch is new, no deadline has passed, no ref was used or refused before,
-- and every actor may write. Otherwise changes nothing and returns nulls: then apply_room_commands must apply the batch. If the
-- batch `follows` is not applied yet, raises SQLSTATE RB001 (see is_new_batch).
-- A test proves that both functions store the same rows.
-- room_ids, counts: the rooms of the batch, and how many of its messages each room gets.
-- room_numbers, steps: for each message, which of these rooms it goes to (from 1), and its place among the messages of
-- the batch in this room (from 1).
-- sent_at: see deadline_now. row_wait_ms: how long to wait for a locked room, after the lane is locked (see limit_row_wait).
-- may_mention: true if a text has an `@`.
-- stored_at: the time of all messages. former_seqs: the seq of the last message of each room before the batch.
-- mentions: the members that the messages mention, by the id of the message. Null if they mention nobody.
-- Locks: the row of the lane, then the rooms in the order of their ids, as apply_room_commands.
create or replace function apply_create_messages(
  lane_key text, number bigint, follows bigint, earliest_deadline timestamptz, room_ids text[], counts bigint[],
  ids uuid[], actor_ids uuid[], refs uuid[], room_numbers int[], steps bigint[], texts text[], sent_at timestamptz,
  row_wait_ms int, may_mention boolean, out stored_at timestamptz, out former_seqs bigint[], out mentions json
) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  stored_room_ids uuid[];
  former_lengths bigint[];
  open_rooms bigint;
  allowed bigint;
begin
  select array_agg(stored_id(id) order by n) into stored_room_ids from unnest(room_ids) with ordinality as given (id, n);
  if not is_new_batch(lane_key, number, follows) then raise sqlstate 'RM001'; end if;
  perform limit_row_wait(row_wait_ms);
  -- Every row that is inserted here is there already, so it is updated. An update that joins the batch with the rooms
  -- could get a plan that compares each room of the batch with each room of the table.
  with advanced as (
    insert into rooms as r (id, name, room_type, seq, history_length)
    select id, name, room_type, count, count
    from unnest(stored_room_ids, counts) as given (room_id, count), lateral (
      select id, name, room_type from rooms where id = room_id limit 1
    ) existing
    order by id
    on conflict (id) do update
    set seq = r.seq + excluded.seq, history_length = r.history_length + excluded.history_length
    returning r.id, r.seq, r.history_length, may_see_room(r, true) and every_member_may_write(r) as is_open
  )
  select array_agg(a.seq - count order by n), array_agg(a.history_length - count order by n),
    count(*) filter (where is_open)
  into former_seqs, former_lengths, open_rooms
  from unnest(stored_room_ids, counts) with ordinality as given (id, count, n) join advanced a using (id);
  -- The lateral joins make Postgres look up each row by an index. A plain join could read a whole index.
  select count(*) into allowed
  from unnest(room_numbers, actor_ids) as given (room_number, actor_id), lateral (
    select from memberships m where m.room_id = stored_room_ids[room_number] and m.user_id = actor_id limit 1
  ) membership;
  if open_rooms < cardinality(room_ids) or allowed < cardinality(ids) or deadline_now(earliest_deadline, sent_at) < rooms_now() then
    raise sqlstate 'RM001';
  end if;
  -- The rooms are locked, so this finds the refusals of every earlier batch. Most of the time there are none at all.
  if exists (select from refusals where refused_at > rooms_now() - interval '30 s') and exists (
    select from unnest(room_numbers, actor_ids, refs) as given (room_number, actor_id, ref), lateral (
      select from refusals k
      where k.room_id = stored_room_ids[room_number] and k.actor_id = given.actor_id and k.ref = given.ref limit 1
    ) kept
  ) then
    raise sqlstate 'RM001';
  end if;

  stored_at := clock_timestamp()::timestamptz(3);
  insert into messages
    (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index,
     mentions)
  select stored_room_ids[room_number], former_seqs[room_number] + step, id, actor_id, 'CreateMessage',
    stored_room_ids[room_number], text, stored_at, stored_at, ref,
    command_fingerprint(row(
      id, actor_id, ref, null, 'CreateMessage', stored_room_ids[room_number], stored_room_ids[room_number], text, null
    )::room_command),
    former_lengths[room_number] + step,
    case when may_mention and strpos(text, '@') > 0 then mentioned_members(stored_room_ids[room_number], text) end
  from unnest(ids, actor_ids, refs, room_numbers, steps, texts)
    as given (id, actor_id, ref, room_number, step, text);
  if may_mention then
    with mentioning as (
      select m.* from unnest(ids, texts) as given (id, text), lateral (
        select m.id, m.room_id, m.seq, m.mentions from messages m where m.id = given.id limit 1
      ) m
      where strpos(given.text, '@') > 0 and m.mentions is not null
    ), noted as (
      insert into mentions (user_id, room_id, seq) select unnest(m.mentions), m.room_id, m.seq from mentioning m
    )
    select json_object_agg(m.id, m.mentions) into mentions from mentioning m;
  end if;
exception
  -- This undoes everything above, also the number of the batch.
  when unique_violation or sqlstate 'RM001' then
    stored_at := null;
    former_seqs := null;
    mentions := null;
end
$$;
