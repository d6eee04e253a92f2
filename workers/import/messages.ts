import type { Database } from '../../shared/database.ts';
import { jsonRows, type Step, timeColumns } from './step.ts';

interface MessageRow {
  roomId: string;
  seq: number;
  id: string;
}

/**
 * Copies messages. The seq of a message is its position among the messages of its room, by time and then by id. In the
 * original, an edit or a deletion changes the command of the message itself. In Rooms, `last_change` has this command.
 *
 * `ref` is the id of the message, so no client has used it as an idempotency key. No command has the fingerprint 0. So
 * a command of the same user with such a ref is refused as `ref_reused`, but only in the same room.
 */
export const messages: Step<MessageRow> = {
  name: 'messages',
  order: 'room_id, seq',

  rows: (original) => original`
    select id, room_id, user_id, ${timeColumns(original)},
      row_number() over (partition by room_id order by messages.created_at, id collate "C") as seq,
      case when is_changed then 'CreateMessage' else command end as command,
      case when is_changed then command end as last_change,
      case when command in ('AddUser', 'RemoveUser') then target_id else room_id end as target_id,
      case when command = 'DeleteMessage' then '' else text end as text
    from messages cross join lateral (select command in ('UpdateMessage', 'DeleteMessage') as is_changed) change`,

  async countKnown(rooms, page) {
    return page.length - (await findNew(rooms, page)).length;
  },

  async store(rooms, page) {
    const newRows = await findNew(rooms, page);
    if (newRows.length === 0) return 0;
    const stored = await storeMessages(rooms, newRows);
    if (stored !== newRows.length) throw new Error('another process wrote into one of the rooms during the import');
    return stored;
  },
};

/**
 * Returns the messages that Rooms does not have: those after the last message of their room. So an import that was
 * interrupted continues from what is stored.
 * @throws Error if the last message of a room in Rooms is not the message that has this seq in the original
 */
async function findNew(rooms: Database, page: MessageRow[]): Promise<MessageRow[]> {
  const roomIds = [...new Set(page.map(({ roomId }) => roomId))];
  const heads = await rooms<{ id: string; seq: number; lastId: string | null }[]>`
    select rooms.id, rooms.seq, last.id as last_id
    from rooms left join messages last on last.room_id = rooms.id and last.seq = rooms.seq
    where rooms.id in ${rooms(roomIds)}`;
  const headOf = new Map(heads.map((head) => [head.id, head]));
  return page.filter(({ roomId, seq, id }) => {
    const head = headOf.get(roomId);
    if (head?.seq === seq && head.lastId !== id)
      throw new Error(`rooms ${roomId}: its messages in Rooms are not those of the original`);
    return seq > (head?.seq ?? 0);
  });
}

/**
 * Stores messages with their seqs, and counts them like the SQL function store_messages. They count as read.
 * Locks: the rooms, in the order of their ids, as every batch of a worker does. If the last seq of a room has changed
 * since {@link findNew}, its messages are not stored.
 * @returns the number of stored messages
 */
async function storeMessages(rooms: Database, rows: MessageRow[]): Promise<number> {
  const { count } = await rooms`
    with given as (
      select m.*, stored_id(m."roomId") as room_id
      from jsonb_to_recordset(${jsonRows(rooms, rows)}) as m(
        "roomId" text, seq bigint, id uuid, "userId" uuid, command text, "lastChange" text, "targetId" text, text text,
        "createdAt" timestamptz, "updatedAt" timestamptz
      )
    ), steps as (
      select room_id, min(seq) - 1 as former_seq, max(seq) as seq,
        count(*) filter (where is_in_history(command)) as history_step
      from given group by room_id
    ), locked as (
      select id from rooms where id in (select room_id from steps) order by id for no key update
    ), advanced as (
      update rooms r
      set seq = steps.seq, history_length = r.history_length + history_step, read_by_all = steps.seq
      from steps join locked on locked.id = steps.room_id
      where r.id = steps.room_id and r.seq = former_seq
      returning r.id, r.history_length - history_step as former_length
    )
    insert into messages
      (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, history_index,
       last_change)
    select g.room_id, g.seq, g.id, g."userId", g.command, stored_id(g."targetId"), g.text, g."createdAt",
      g."updatedAt", g.id, 0,
      r.former_length + count(*) filter (where is_in_history(g.command)) over (partition by r.id order by g.seq),
      g."lastChange"
    from given g join advanced r on r.id = g.room_id
    order by g.room_id, g.seq`;
  return count;
}
