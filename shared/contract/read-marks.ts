import * as v from 'valibot';
import { Seq } from './fields.ts';
import { AnyId, Id, RoomId } from './ids.ts';

// How far a user has read a room, on all devices together. Only `rooms.v1` sockets have these frames.

/** The user has read the room up to this message. There is no answer, except the `Read` frame. */
export const MarkRead = v.object({ command: v.literal('MarkRead'), roomId: RoomId, seq: Seq });
export type MarkRead = v.InferOutput<typeof MarkRead>;

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A mark of a user, and what the history of the room shows after it. */
export const ReadCounts = v.object({
  /** The user has read the messages up to this one. */
  seq: Seq,
  /** The last message that is counted. */
  head: Seq,
  unread: Count,
  /** How many of these messages mention the user. */
  mentions: Count,
});
export type ReadCounts = v.InferOutput<typeof ReadCounts>;

/** The counts of a room. A worker publishes them after each mark, for all sockets of the user. */
export const RoomCounts = v.object({ roomId: AnyId, ...ReadCounts.entries });
export type RoomCounts = v.InferOutput<typeof RoomCounts>;

/** The user has marked the room, on this device or on another one. */
export const Read = v.object({ command: v.literal('Read'), ...RoomCounts.entries });
export type Read = v.InferOutput<typeof Read>;

/** The form of a mark in a job. */
export const ReadMark = v.object({ userId: Id, roomId: RoomId, seq: Seq });
export type ReadMark = v.InferOutput<typeof ReadMark>;
