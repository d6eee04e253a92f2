import type { Membership } from '../../reads/session-reads.ts';

/** What a client asks for with its `Resume` frames. */
export interface ResumeRequest {
  /** For each room, the seq of the last message that the client has. */
  positions: Map<string, number>;
  /** True if the positions are of the epoch of now. */
  isSameEpoch: boolean;
  /** With more missing messages of a room than this, the client loads its history instead. */
  most: number;
}

/** The part of a request that is about one room. */
export interface ResumePoint extends Omit<ResumeRequest, 'positions'> {
  /** The client has every message up to this seq. Undefined if it has none. */
  position: number | undefined;
}

/** Where the stream of a room begins. */
export interface RoomStart {
  /** The stream goes on after this seq. */
  sent: number;
  /** True if the client must know that the messages up to `sent` are not sent. */
  needsResync: boolean;
}

/** Decides where the stream of a room begins for one of its members. `head` and `seq` are one snapshot of Postgres. */
export function startOf(
  { position, isSameEpoch, most }: ResumePoint,
  { seq: since, head }: Pick<Membership, 'seq' | 'head'>,
): RoomStart {
  const resync = { sent: head, needsResync: true };
  if (position !== undefined && (!isSameEpoch || position > head)) return resync;
  if (position === undefined && (!isSameEpoch || since === 0)) return { sent: head, needsResync: false };
  // From before the membership, the client gets nothing of the time between.
  const firstMissing = Math.max((position ?? 0) + 1, since);
  if (head - firstMissing + 1 > most) return resync;
  return { sent: position ?? since - 1, needsResync: false };
}
