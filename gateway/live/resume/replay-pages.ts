import type { Reads } from '../../reads/reads.ts';
import type { Feeds } from '../feeds/feeds.ts';
import type { PendingRoom } from './pending-room.ts';

/** One statement reads the messages of these rooms. */
const MAX_ROOMS_OF_BATCH = 32;
/** A batch is held in memory until the client reads it. */
const MAX_RECORDS_OF_BATCH = 100;

export type PendingEntry = [roomId: string, room: PendingRoom];

/** The messages of a room after a seq. They are of this membership. */
export interface Page {
  after: number;
  since: number | undefined;
  end: number | undefined;
  /** Undefined until they are read. */
  records: string[] | undefined;
}

/** Rooms that get their messages together. */
export class Batch {
  #entries: PendingEntry[] = [];
  #records = 0;

  get isFull(): boolean {
    return this.#entries.length >= MAX_ROOMS_OF_BATCH || this.#records >= MAX_RECORDS_OF_BATCH;
  }

  /** @param records the number of messages that the room misses */
  add(entry: PendingEntry, records: number): void {
    this.#entries.push(entry);
    this.#records += records;
  }

  /** Empties the batch. */
  take(): PendingEntry[] {
    this.#records = 0;
    return this.#entries.splice(0);
  }
}

/** Returns the next messages of a room, if the memory of the feed has them. */
export function recentPage(feeds: Pick<Feeds, 'recordsAfter'>, [roomId, room]: PendingEntry): Page {
  const { sent: after, since } = room;
  const end = endOf(room);
  return { after, since, end, records: end === undefined ? feeds.recordsAfter(roomId, after) : undefined };
}

/** Reads the messages of the page from Postgres, if the memory did not have them. */
export async function readPage(
  reads: Pick<Reads, 'replayPage' | 'endedPage'>,
  [roomId]: PendingEntry,
  page: Page,
): Promise<void> {
  const { after, end } = page;
  page.records ??= await (end === undefined
    ? reads.replayPage({ roomId, after })
    : reads.endedPage({ roomId, after, end }));
}

/** Returns the end of the membership whose messages come next. Undefined if it is the membership of now. */
export function endOf({ sent, end }: PendingRoom): number | undefined {
  return end !== undefined && sent < end ? end : undefined;
}
