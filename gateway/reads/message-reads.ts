import type { Message } from '../../shared/contract/messages.ts';
import type { Database } from '../../shared/database.ts';
import { visibleTo } from './room-reads.ts';

export interface HistoryRange {
  page?: number | undefined;
  before?: number | undefined;
  after?: number | undefined;
  size: number;
}

export function messageReads(database: Database) {
  const message = database`
    id, seq, room_id, user_id, command, target_id, text, created_at, updated_at, ref from messages`;

  // As the index messages_place has it, to the letter.
  const shown = database`command in ('CreateMessage', 'AddUser', 'RemoveUser', 'CreateRoom', 'UpdateRoom')`;

  /** How many messages a history shows up to this seq. */
  const placeAt = (roomId: string, seq: number) => database`
    coalesce((select place from messages where room_id = ${roomId} and seq <= ${seq} order by seq desc limit 1), 0)`;

  /** The place of the last message of a range. */
  const lastPlace = (roomId: string, { page = 1, before, after, size }: HistoryRange) => {
    if (after !== undefined) return database`${placeAt(roomId, after)} + ${size}::bigint`;
    if (before !== undefined) return placeAt(roomId, before - 1);
    return database`(select rooms.shown from rooms where id = ${roomId}) - ${(page - 1) * size}::bigint`;
  };

  return {
    /** What a history shows, newest first: a page (from 1), or the nearest before or after a seq. */
    history(roomId: string, range: HistoryRange): Promise<Message[]> {
      const last = lastPlace(roomId, range);
      return database<Message[]>`
        select ${message} where room_id = ${roomId} and ${shown}
          and place <= (select ${last}) and place > (select ${last} - ${range.size}::bigint)
        order by place desc`;
    },

    /** A message, by its own id, of a room that this user may see. */
    async messageById(id: string, userId: string): Promise<Message | undefined> {
      const [row] = await database<Message[]>`
        select ${message} where id = ${id} and exists (
          select from rooms where rooms.id = messages.room_id and ${visibleTo(database, userId)})`;
      return row;
    },

    async message(roomId: string, seq: number): Promise<Message | undefined> {
      const [row] = await database<Message[]>`select ${message} where room_id = ${roomId} and seq = ${seq}`;
      return row;
    },

    /** All messages of a room after a seq, in order. */
    messagesAfter(roomId: string, seq: number, limit: number): Promise<Message[]> {
      return database<Message[]>`
        select ${message} where room_id = ${roomId} and seq > ${seq} order by seq limit ${limit}`;
    },
  };
}
