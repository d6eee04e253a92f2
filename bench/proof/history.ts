import type { CommandName } from '../../shared/contract/commands.ts';

/** What the clients of one run saw, in the order in which they saw it. `atMs` is the time of `performance.now()`. */
export type Event = { atMs: number } & (
  | ({ kind: 'sent'; connection: number } & SentCommand)
  | { kind: 'acked'; connection: number; ref: string; roomId: string; seq: number }
  | { kind: 'refused'; connection: number; ref: string; code: string }
  /**
   * The connection got its Welcome. `heads` has the rooms of the run only: the messages of a room come after this seq. If
   * the connection resumes, they are the positions of the client. Positions of another epoch are left out: such a room
   * goes on after its `resynced`.
   */
  | {
      kind: 'opened';
      connection: number;
      userId: string;
      heads: Map<string, number>;
      isResumed?: true;
      epoch?: string;
    }
  /** The gateway does not send what is missing in this room. The next message is `seq + 1`. */
  | { kind: 'resynced'; connection: number; roomId: string; seq: number }
  | ({ kind: 'got'; connection: number } & GotMessage)
  /** The user read the messages after `after` up to `to` from the history. */
  | { kind: 'read'; userId: string; roomId: string; after: number; to: number; seqs: number[] }
  /** The connection had no Welcome after 15 seconds. */
  | { kind: 'late'; connection: number }
  | { kind: 'closed'; connection: number; reason: string }
  /** The token of the connection was ended by a logout, whose answer came now. */
  | { kind: 'revoked'; connection: number }
);

export interface SentCommand {
  ref: string;
  command: CommandName;
  roomId: string;
  /** The user who is added or removed, or the id of the message that is changed. */
  targetId: string;
  text: string;
}

export interface GotMessage {
  roomId: string;
  seq: number;
  command: CommandName;
  targetId: string;
}

/** A message as Postgres has it. */
export interface Row extends GotMessage {
  id: string;
  ref: string;
  userId: string;
  text: string;
  /** RFC 3339. */
  createdAt: string;
}

export interface Membership {
  roomId: string;
  userId: string;
}

/** Everything that the checker compares. */
export interface History {
  events: Event[];
  /** The rooms of the run. Messages up to `initialSeq` were there before the run. */
  rooms: { id: string; initialSeq: number }[];
  /** All messages of these rooms. */
  rows: Row[];
  /** All members of these rooms. */
  memberships: Membership[];
  /** While a fault lasts, the last frame may arrive this long after a revocation. Default: always 1,000. */
  disturbance?: { fromMs: number; toMs: number; maxAfterRevocationMs: number };
}

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;

export function eventsOf<Kind extends Event['kind']>({ events }: History, kind: Kind): EventOf<Kind>[] {
  return events.filter((event): event is EventOf<Kind> => event.kind === kind);
}

/** @returns the rows of each room, in the order of their seqs */
export function rowsOfRooms({ rooms, rows }: History): Map<string, Row[]> {
  const rowsOf = Map.groupBy(rows, ({ roomId }) => roomId);
  return new Map(rooms.map(({ id }) => [id, (rowsOf.get(id) ?? []).toSorted((a, b) => a.seq - b.seq)]));
}
