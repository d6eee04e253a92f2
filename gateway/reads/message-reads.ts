import { columnsOf } from '../../shared/columns.ts';
import { Message } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';

/** A page by its number (the first page is 1), or the messages just before or after a seq. */
export interface HistoryRange {
  page?: number | undefined;
  before?: number | undefined;
  after?: number | undefined;
  size: number;
}

const columns = columnsOf(Message);

export function messageReads(database: Database) {
  const message = database(columns);
  /**
   * The columns of a message as HTTP shows it. An edited or deleted message has the command of its last change, and
   * this change is about the message itself.
   */
  const shownMessage = database`
    ${database(columns.filter((column) => column !== 'command' && column !== 'target_id'))},
    coalesce(last_change, command) as command,
    case when last_change is null then target_id else id end as target_id`;

  /** The SQL for the number of messages that a history shows, up to and including this seq. */
  const historyIndexAt = (roomId: string, seq: number) => database`
    coalesce((
      select history_index from messages where room_id = ${roomId} and seq <= ${seq} order by seq desc limit 1
    ), 0)`;

  /** The SQL for the `history_index` of the last message of a range. */
  const lastIndex = (roomId: string, { page = 1, before, after, size }: HistoryRange) => {
    if (after !== undefined) return database`${historyIndexAt(roomId, after)} + ${size}::bigint`;
    if (before !== undefined) return historyIndexAt(roomId, before - 1);
    return database`(select history_length from rooms where id = ${roomId}) - ${(page - 1) * size}::bigint`;
  };

  return {
    /** Returns the messages of a history, with the newest message first. */
    history(roomId: string, range: HistoryRange): Promise<Message[]> {
      const last = lastIndex(roomId, range);
      return database<Message[]>`
        select ${shownMessage} from messages where room_id = ${roomId} and seq = any(array(
          select unnest(history_seqs(room, ${last}, ${range.size})) from rooms room where room.id = ${roomId}
        ))
        order by seq desc`;
    },

    /** Returns a message as a history shows it, if the viewer may see the room of the message. */
    async messageById(id: string, viewerId: string): Promise<Message | undefined> {
      const [row] = await database<Message[]>`
        select ${shownMessage} from messages where id = ${id}
          and exists (select from visible_rooms(${viewerId}) room where room.id = messages.room_id)`;
      return row;
    },

    /** Returns the messages of a room after a seq, in the order of seq. */
    messagesAfter(roomId: string, seq: number, limit: number): Promise<Message[]> {
      return database<Message[]>`
        select ${message} from messages where room_id = ${roomId} and seq > ${seq} order by seq limit ${limit}`;
    },
  };
}
