import type { Database } from '../../shared/database.ts';
import { bearerRooms, type RoomOfBearer, type RoomRequest, toRoomOfBearer } from './bearer-rooms.ts';
import { shareStatements } from './share-statements.ts';

/** A page by its number (the first page is 1), or the messages just before or after a seq. */
interface HistoryRange {
  page?: number | undefined;
  before?: number | undefined;
  after?: number | undefined;
  size: number;
}

interface HistoryRequest extends Pick<RoomRequest, 'bearer' | 'roomId'> {
  range: HistoryRange;
}

interface HistoryAnswer extends RoomOfBearer {
  /** The list of the messages as JSON, with the newest message first. It is empty if the user may not see the room. */
  messages: Buffer;
}

/** A statement of 32 pages with 100 messages and few edits takes about 15 ms, so the next statement does not wait long. */
const MAX_PAGES_OF_STATEMENT = 32;
/** One statement can run while the answers of another one are sent. */
const MAX_STATEMENTS_AT_ONCE = 2;

/** The reads of histories. Each statement also checks the tokens, so a page needs only one statement. */
export function historyReads(database: Database) {
  const readAll = async (requests: HistoryRequest[]): Promise<HistoryAnswer[]> => {
    const asked = requests.map(({ bearer, roomId, range }) => {
      return { bearer, roomId, size: range.size, ...positionOf(range) };
    });
    const rows = await database`
      select request.is_token_valid, (visible.room).seq, concat('[', page.messages, ']')
      ${bearerRooms(database, asked)}
      left join lateral (
        select request.shift + case when request.seq is null then (visible.room).history_length else coalesce((
          select history_index from messages m where m.room_id = (visible.room).id and m.seq <= request.seq order by m.seq desc limit 1
        ), 0) end as index
      ) last on true
      left join lateral (
        select case when (visible.room).id is not null then history_seqs(visible.room, last.index, request.size) end as seqs
      ) shown on true
      left join lateral (
        select string_agg(message_json(m, request.room_id), ',' order by m.seq desc) as messages
        from messages m where m.room_id = (visible.room).id and m.seq = any (shown.seqs)
      ) page on true
      order by request.number`.raw();
    // A page goes to its client as the bytes that Postgres sent. So the gateway neither decodes nor encodes its text.
    return (rows as (Buffer | null)[][]).map((row) => ({ ...toRoomOfBearer(row), messages: row[2] as Buffer }));
  };

  return {
    /** Reads a page of the history of a room, and whether the token is valid and the user may see the room. */
    history: shareStatements({ readAll, maxKeys: MAX_PAGES_OF_STATEMENT, maxAtOnce: MAX_STATEMENTS_AT_ONCE }),
  };
}

/**
 * Returns where a page ends: this number of messages after the messages up to a seq, or after the whole history if there
 * is no seq.
 */
function positionOf({ page = 1, before, after, size }: HistoryRange): { seq?: number; shift: number } {
  if (after !== undefined) return { seq: after, shift: size };
  if (before !== undefined) return { seq: before - 1, shift: 0 };
  return { shift: -(page - 1) * size };
}
