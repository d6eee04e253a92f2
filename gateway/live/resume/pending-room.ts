import type { Membership } from '../../reads/session-reads.ts';
import type { OwnChange } from '../attached-user.ts';
import { type ResumePoint, startOf } from './room-plan.ts';

/** A room of a socket, while the socket waits for messages of this room. It is in no topic of the room then. */
export interface PendingRoom {
  /** The socket has every message up to this seq. */
  sent: number;
  /** True if the client must still get a `Resync` with `sent`. */
  needsResync: boolean;
  /** True if `since` and `head` must be read from Postgres. */
  needsRead: boolean;
  /** What the client has. Undefined when it is in `sent`. */
  point: ResumePoint | undefined;
  /** The message that made the user a member. Undefined if the user is not a member. */
  since: number | undefined;
  /** `since` is the truth up to this seq of the room. */
  head: number;
  /** The end of the membership that the user had at `sent`. 0 if there is none, undefined if it is not known. */
  end: number | undefined;
}

/** How far the feed of a room is, and whether the gateway has the user as a member. */
export interface FeedState {
  deliveredSeq: number | undefined;
  isJoined: boolean;
}

export type Step =
  /** Read the membership. */
  | 'read'
  /** Read the end of the membership that the user had at `sent`. */
  | 'find end'
  /** Send messages of a membership that has ended. */
  | 'send ended'
  /** Go on with the message that made the user a member. */
  | 'jump'
  | 'resync'
  /** Tell the client that the user is not a member. */
  | 'leave'
  /** The feed has not delivered what the client has, what made the user a member, or the head of the room. */
  | 'wait'
  | 'send'
  /** Everything that was delivered is sent: join the topic in this tick. */
  | 'join';

/** Returns what a room needs next. */
export function nextStep(room: PendingRoom, { deliveredSeq, isJoined }: FeedState): Step {
  const { sent, since, end } = room;
  if (room.needsRead) return 'read';
  if (room.needsResync) return since === undefined ? 'leave' : 'resync';
  if (since === undefined || sent < since - 1) {
    if (end === undefined) return 'find end';
    if (sent < end) return 'send ended';
    return since === undefined ? 'leave' : 'jump';
  }
  if (deliveredSeq === undefined || (!isJoined && deliveredSeq >= since)) return 'read';
  if (!isJoined || deliveredSeq < sent) return 'wait';
  if (deliveredSeq > sent) return 'send';
  // `Resumed` promises everything up to the head that the client knows from its Welcome.
  return sent < room.head ? 'wait' : 'join';
}

type MembershipOfRoom = Pick<Membership, 'seq' | 'head'>;

/** A room whose member the user is, by a read. */
export function memberRoom(point: ResumePoint, { seq, head }: MembershipOfRoom): PendingRoom {
  const { position = 0, isSameEpoch } = point;
  // The client may have got later messages from another gateway since the read.
  if (isSameEpoch && position > head) return unreadRoom(point);
  const start = startOf(point, { seq, head });
  return { ...start, needsRead: false, point: undefined, since: seq, head, end: undefined };
}

/** A room of which it is not known yet whether the user is a member. */
export function unreadRoom(point: ResumePoint): PendingRoom {
  return { sent: 0, needsResync: false, needsRead: true, point, since: undefined, head: 0, end: undefined };
}

/** A room of which the user is not a member. */
export function foreignRoom(point: ResumePoint): PendingRoom {
  const { sent, end } = foreignStart(point);
  return { sent, needsResync: false, needsRead: false, point: undefined, since: undefined, head: 0, end };
}

/**
 * Uses what Postgres has.
 * @param membership undefined if the user is not a member
 * @param headBefore the `head` of the room when the read began
 */
export function applyRead(room: PendingRoom, membership: MembershipOfRoom | undefined, headBefore: number): void {
  const { point } = room;
  Object.assign(room, { needsRead: false, point: undefined });
  // A change that the feed has delivered during the read is newer.
  if (membership && membership.head >= room.head) Object.assign(room, { since: membership.seq, head: membership.head });
  else if (!membership && room.head === headBefore) Object.assign(room, { since: undefined, end: undefined });
  if (!point) return;
  if (room.since !== undefined) Object.assign(room, startOf(point, { seq: room.since, head: room.head }));
  else Object.assign(room, foreignStart(point));
}

/**
 * Uses a change that the feed of the room delivers. A change up to `head` is known already. Several changes may come as
 * one, so the end of the membership that the user had at `sent` must be read.
 */
export function applyChange(room: PendingRoom, { seq, isMember }: OwnChange): void {
  if (seq <= room.head) return;
  room.head = seq;
  room.since = isMember ? seq : undefined;
  if (!isMember || room.sent < seq) return;
  // Either the change is old, because the feed is behind, or the client has made up its position. Postgres knows it.
  room.needsRead = true;
  room.point = { position: room.sent, isSameEpoch: true, most: Number.POSITIVE_INFINITY };
}

/** Goes on with the message that made the user a member. */
export function applyJump(room: PendingRoom): void {
  if (room.since !== undefined) Object.assign(room, { sent: room.since - 1, end: undefined });
}

/** Uses the end of the membership that the user had at `sent`, or 0. With more than `most` messages, sends none of them. */
export function applyEnd(room: PendingRoom, end: number, most: number): void {
  const { sent, since, head } = room;
  const ofEnded = Math.max(0, end - sent);
  const missing = ofEnded + (since === undefined ? 0 : head - since + 1);
  room.end = end;
  if (missing <= most) return;
  if (since === undefined) room.end = 0;
  else Object.assign(room, { sent: head, needsResync: true, end: undefined });
}

/** A position of another epoch says nothing. */
function foreignStart({ position = 0, isSameEpoch }: ResumePoint): Pick<PendingRoom, 'sent' | 'end'> {
  return isSameEpoch ? { sent: position, end: undefined } : { sent: 0, end: 0 };
}
