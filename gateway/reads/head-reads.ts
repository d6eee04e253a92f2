import type { Database } from '../../shared/database.ts';
import { arrayOf } from './array-of.ts';

/** A room with the seq of the last message that a gateway has delivered. */
export interface KnownHead {
  roomId: string;
  seq: number;
}

interface ChangedHead {
  /** The place of the room in the list that was asked, from 1. */
  place: number;
  /** The seq of the last message of the room. Null if the room does not exist. */
  head: number | null;
}

export function headReads(database: Database) {
  return {
    /** Returns the rooms of a list whose head is not the known one. */
    changedHeads(known: KnownHead[]): Promise<ChangedHead[]> {
      return database<ChangedHead[]>`
        select asked.place, room.seq as head
        from unnest(
          ${arrayOf(known.map(({ roomId }) => roomId))}::text[],
          ${arrayOf(known.map(({ seq }) => seq))}::bigint[]
        ) with ordinality as asked(id, seq, place)
        -- The limit makes Postgres look up each room. A plan from the time of few rooms would read all rooms.
        left join lateral (select r.seq from rooms r where r.id = stored_id(asked.id) limit 1) room on true
        where room.seq is distinct from asked.seq`;
    },
  };
}
