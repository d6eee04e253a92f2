import { limits } from '../../contract/limits.ts';
import type { Message } from '../../contract/messages.ts';
import type { Resync } from '../../contract/resume.ts';
import type { KitRoom, Membership } from './room.ts';
import { currentRow } from './rows.ts';

export interface Position {
  /** The seq of the last message that the client has. Undefined if the client did not name the room. */
  seq: number | undefined;
  /** True if the client named the epoch of now. */
  isSameEpoch: boolean;
  most: number | undefined;
}

/** What the client gets for one room. Live messages follow after `sent`. Undefined: no message follows. */
export interface Replay {
  frames: (Message | Resync | { command: 'Left'; roomId: string })[];
  sent: number | undefined;
}

/** Decides what a client has missed in a room. docs/protocol.md has the rules. */
export function replayOf(room: KitRoom | undefined, roomId: string, userId: string, position: Position): Replay {
  const ofUser = room?.memberships.filter((membership) => membership.userId === userId) ?? [];
  const membership = ofUser.find(({ end }) => end === undefined);
  if (!room || !membership) return endOf(room, roomId, ofUser, position);
  const head = room.rows.length;
  const { seq, isSameEpoch, most = limits.MAX_REPLAYED_MESSAGES } = position;
  const resync: Replay = { frames: [{ command: 'Resync', roomId, seq: head }], sent: head };
  if (seq === undefined && (!isSameEpoch || membership.first === 0)) return { frames: [], sent: head };
  const first = Math.max((seq ?? 0) + 1, membership.first);
  if (!isSameEpoch || first > head + 1 || head - first + 1 > most) return resync;
  const before = seq !== undefined && seq < membership.first - 1 ? ended(room, ofUser, seq) : [];
  const rows = room.rows.slice(first - 1).map((row) => currentRow(room, row));
  return { frames: [...before, ...rows], sent: head };
}

function endOf(room: KitRoom | undefined, roomId: string, ofUser: Membership[], position: Position): Replay {
  const { seq, isSameEpoch, most = limits.MAX_REPLAYED_MESSAGES } = position;
  if (seq === undefined) return { frames: [], sent: undefined };
  const rows = room && isSameEpoch ? ended(room, ofUser, seq) : [];
  return { frames: [...(rows.length > most ? [] : rows), { command: 'Left', roomId }], sent: undefined };
}

/** Returns the messages up to the end of the membership that the user had at this seq. */
function ended(room: KitRoom, ofUser: Membership[], seq: number): Message[] {
  const { end = 0 } = ofUser.find(({ first, end }) => first <= seq && end !== undefined && seq < end) ?? {};
  return room.rows.slice(seq, Math.max(seq, end)).map((row) => currentRow(room, row, end));
}
