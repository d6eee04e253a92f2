import type { Database } from '../../shared/database.ts';
import { bearerRooms, type RoomOfBearer, type RoomRequest, toRoomOfBearer } from './bearer-rooms.ts';
import { shareStatements } from './share-statements.ts';

interface EventsRequest extends Pick<RoomRequest, 'bearer' | 'roomId' | 'size'> {
  after: number;
}

interface EventsAnswer extends RoomOfBearer {
  /** The JSON of `Events` (shared/contract/answers.ts). */
  answer: Buffer;
}

/** A statement of 8 answers with 500 messages takes about 15 ms. */
const MAX_ANSWERS_OF_STATEMENT = 8;
/** One statement can run while the answers of another one are sent. */
const MAX_STATEMENTS_AT_ONCE = 2;

/** The reads of all messages of a room. Each statement also checks the tokens, so an answer needs only one statement. */
export function eventReads(database: Database) {
  const readAll = async (requests: EventsRequest[]): Promise<EventsAnswer[]> => {
    const rows = await database`
      select request.is_token_valid, (visible.room).seq,
        concat('{"events":[', page.records, '],"head":', (visible.room).seq, '}')
      ${bearerRooms(
        database,
        requests.map(({ after, ...request }) => ({ ...request, seq: after })),
      )}
      left join lateral (
        select string_agg(
          record_json(message, request.room_id, (message).command, (message).target_id, (message).text),
          ',' order by (message).seq
        ) as records
        from (
          -- The order makes Postgres use the index of seqs, also in a plan from the time of an empty table.
          select m as message from messages m
          where m.room_id = (visible.room).id and m.seq > request.seq order by m.seq limit request.size
        ) found
      ) page on true
      order by request.number`.raw();
    return (rows as (Buffer | null)[][]).map((row) => ({ ...toRoomOfBearer(row), answer: row[2] as Buffer }));
  };

  return {
    /**
     * Reads the next messages of a room after a seq, in their current state, and whether the token is valid and the user
     * may see the room.
     */
    events: shareStatements({ readAll, maxKeys: MAX_ANSWERS_OF_STATEMENT, maxAtOnce: MAX_STATEMENTS_AT_ONCE }),
  };
}
