import type { Database } from '../../shared/database.ts';
import { arrayOf } from './array-of.ts';
import { type PageKey, sharePages } from './share-pages.ts';

/** The pages of all rooms begin after seq 0, 100, 200 and so on. So clients with near positions want the same page. */
const REPLAY_PAGE_SIZE = 100;
/** A statement of 32 full pages takes about 10 ms. */
const MAX_PAGES_OF_STATEMENT = 32;
/** One statement can run while the records of another one are sent. */
const MAX_STATEMENTS_AT_ONCE = 2;

/** A client has the messages of a room up to this seq. */
export interface Position {
  roomId: string;
  seq: number;
}

/** A membership that has ended, from the message that made the user a member up to the message that ended it. */
export interface EndedMembership {
  roomId: string;
  first: number;
  end: number;
}

/** The reads of messages that a client has missed. All records are encoded messages, in the order of seq. */
export function replayReads(database: Database) {
  // Postgres encodes the messages: 50,000 of them cost it 80 ms more, and the gateway 160 ms less.
  const readAll = async (keys: PageKey[]): Promise<string[][]> => {
    const numbers = (value: (key: PageKey) => number | undefined) => arrayOf(keys.map(value));
    const rows = await database<{ records: string | null }[]>`
      select page.records
      from unnest(
        ${arrayOf(keys.map(({ roomId }) => roomId))}::text[],
        ${numbers(({ after }) => after)}::bigint[],
        ${numbers(({ last }) => last)}::bigint[],
        ${numbers(({ end }) => end)}::bigint[]
      ) with ordinality as asked(room_id, after_seq, last_seq, end_seq, place)
      left join lateral (
        select string_agg(
          record_json(message, asked.room_id, (message).command, (message).target_id, shown_text),
          chr(10) order by (message).seq
        ) as records
        from (
          -- The order makes Postgres use the index of seqs, also in a plan from the time of an empty table.
          select m as message, case
            when asked.end_seq is not null and m.last_change = 'UpdateMessage' and exists (
              select from messages edit
              where edit.target_id = m.id and edit.command = 'UpdateMessage' and edit.seq > asked.end_seq
            ) then ''
            else m.text
          end as shown_text
          from messages m
          where m.room_id = stored_id(asked.room_id) and m.seq > asked.after_seq and m.seq <= asked.last_seq
          order by m.seq limit ${REPLAY_PAGE_SIZE}
        ) found
      ) page on true
      order by asked.place`;
    return rows.map(({ records }) => records?.split('\n') ?? []);
  };
  const readPage = sharePages({ readAll, maxKeys: MAX_PAGES_OF_STATEMENT, maxAtOnce: MAX_STATEMENTS_AT_ONCE });

  return {
    /**
     * Returns the messages of a room after a seq, up to the end of the page of the next seq. There are fewer at the head
     * of the room. They have their current state.
     */
    replayPage: ({ roomId, after }: { roomId: string; after: number }): Promise<string[]> =>
      readPage({ roomId, after, last: lastOfPage(after), end: undefined }),

    /**
     * Like `replayPage`, for a user whose membership ended with the message `end`. Returns no later message. A text that
     * was edited after `end` is empty.
     */
    endedPage: ({ roomId, after, end }: { roomId: string; after: number; end: number }): Promise<string[]> =>
      readPage({ roomId, after, last: Math.min(lastOfPage(after), end), end }),

    /** Returns the membership that the user had at each position, if it has ended since. */
    async endedMemberships(userId: string, positions: Position[]): Promise<EndedMembership[]> {
      const [row] = await database<{ ended: [place: number, first: number, end: number][] }[]>`
        select coalesce(json_agg(json_build_array(asked.place, ended.first_seq, ended.last_seq)), '[]') as ended
        from unnest(
          ${arrayOf(positions.map(({ roomId }) => roomId))}::text[],
          ${arrayOf(positions.map(({ seq }) => seq))}::bigint[]
        ) with ordinality as asked(room_id, seq, place)
        cross join lateral (
          select e.first_seq, e.last_seq from ended_memberships e
          where e.user_id = ${userId} and e.room_id = stored_id(asked.room_id) and e.last_seq > asked.seq
          order by e.last_seq limit 1
        ) ended
        where ended.first_seq <= asked.seq + 1`;
      // When a connection is lost, the driver sometimes returns no rows.
      if (!row) throw new Error('postgres did not answer');
      return row.ended.map(([place, first, end]) => ({
        roomId: (positions[place - 1] as Position).roomId,
        first,
        end,
      }));
    },
  };
}

function lastOfPage(after: number): number {
  return (Math.floor(after / REPLAY_PAGE_SIZE) + 1) * REPLAY_PAGE_SIZE;
}
