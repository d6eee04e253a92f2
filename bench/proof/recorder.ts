import type { Database } from '../../shared/database.ts';
import type { Event, History, Membership, Row } from './history.ts';
import { tryAgain } from './try-again.ts';

/** An event without its time. */
export type NewEvent = Event extends infer E ? (E extends Event ? Omit<E, 'atMs'> : never) : never;

/** The record of one run. All clients of the run share it. */
export class Recorder {
  readonly events: Event[] = [];
  readonly rooms: History['rooms'];
  #connections = 0;

  /** @param rooms the rooms of the run. Everything in other rooms is ignored. */
  constructor(rooms: History['rooms']) {
    this.rooms = rooms;
  }

  record(event: NewEvent): void {
    this.events.push({ ...event, atMs: performance.now() } as Event);
  }

  /** @returns a number for a new connection, or for an HTTP request */
  nextConnection(): number {
    return ++this.#connections;
  }

  /** Reads what Postgres has. Call it when nothing changes any more. */
  readHistory(database: Database): Promise<History> {
    return tryAgain(() => this.#readHistory(database));
  }

  /** @returns the rooms of the run with their last seqs, for a record that begins now */
  readRooms(database: Database): Promise<History['rooms']> {
    return tryAgain(async () => {
      const ids = database.json(this.rooms.map(({ id }) => id));
      return database<History['rooms']>`
        select id, seq as initial_seq
        from rooms where id in (select value::uuid from jsonb_array_elements_text(${ids}))`;
    });
  }

  async #readHistory(database: Database): Promise<History> {
    const ids = database.json(this.rooms.map(({ id }) => id));
    const rows = await database<Row[]>`
      select room_id, seq, id, ref, command, user_id, target_id, text, created_at
      from messages where room_id in (select value::uuid from jsonb_array_elements_text(${ids})) order by room_id, seq`;
    const memberships = await database<Membership[]>`
      select room_id, user_id
      from memberships where room_id in (select value::uuid from jsonb_array_elements_text(${ids}))`;
    return { events: this.events, rooms: this.rooms, rows, memberships };
  }
}
