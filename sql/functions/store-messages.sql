-- Stores the messages of these commands as the next messages of their rooms, in order, and returns them in that order.
-- All messages get the same time. Each message has the text of its command, or `message_text` if that is not null.
-- The text of a CreateRoom and of an UpdateRoom is the name of the room, which the message has in its own column.
-- Three statements insert messages: the ones of this function, of apply_create_messages and of the import
-- (workers/import/messages.ts). A new column must go into all three, unless its default is right for each of them.
-- Locks: nothing new. apply_in_order has locked the rooms.
create or replace function store_messages(commands room_command[], message_text text default null)
returns setof messages language plpgsql as $$
declare
  stored_at timestamptz := clock_timestamp();
begin
  return query
  with numbered as (
    select s.*, row_number() over until_here as seq_step,
      count(*) filter (where is_in_history(s.command)) over until_here as history_step
    from (select c.*, command_fingerprint(c) as fingerprint, row_number() over () as n from unnest(commands) c) s
    window until_here as (partition by s.room_id order by s.n)
  ), steps as (
    select room_id, max(seq_step) as seq_step, max(history_step) as history_step from numbered group by room_id
  ), advanced as (
    -- Every row is there already, so it is updated. An update that joins the steps with the rooms could get a plan that
    -- reads all rooms of the table.
    insert into rooms as r (id, name, room_type, seq, history_length)
    select id, name, room_type, seq_step, history_step
    from steps, lateral (select id, name, room_type from rooms where id = steps.room_id limit 1) existing
    on conflict (id) do update
    set seq = r.seq + excluded.seq, history_length = r.history_length + excluded.history_length
    returning r.id, r.seq, r.history_length
  ), stored as (
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index,
       name, mentions)
    select s.room_id, r.seq - steps.seq_step + s.seq_step, s.id, s.actor_id, s.command, s.target_id, coalesce(message_text, s.text),
      stored_at, stored_at, s.ref, s.fingerprint, r.history_length - steps.history_step + s.history_step,
      case when s.command in ('CreateRoom', 'UpdateRoom') then s.text end,
      case when s.command in ('CreateMessage', 'UpdateMessage') and strpos(s.text, '@') > 0 then mentioned_members(s.room_id, s.text) end
    from numbered s join steps on steps.room_id = s.room_id join advanced r on r.id = s.room_id
    order by s.n
    returning *
  ), noted as (
    insert into mentions (user_id, room_id, seq)
    select unnest(s.mentions), s.room_id, s.seq from stored s where s.command = 'CreateMessage' and s.mentions is not null
  )
  select * from stored;
end
$$;
