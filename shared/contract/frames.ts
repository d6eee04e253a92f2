import * as v from 'valibot';
import { Ref } from './commands.ts';
import { ErrorAnswer } from './errors.ts';
import { RoomType, Seq } from './fields.ts';
import { AnyId, Id } from './ids.ts';
import { ReadCounts } from './read-marks.ts';

// The frames that a gateway sends, except messages (messages.ts), those of a socket that resumes (resume.ts), and `Read`
// (read-marks.ts). The
// frames that it receives are in commands.ts.

/** The subprotocol with `Welcome` and `Ack`. The Go server that Rooms replaces does not have these frames. */
export const ROOMS_V1 = 'rooms.v1';

/** A room and the seq of its last message. Only a socket that resumes gets the other fields. */
const RoomHead = v.object({
  id: AnyId,
  seq: Seq,
  name: v.optional(v.string()),
  roomType: v.optional(RoomType),
  /** The seq of the message that made the user a member. 0 in a standing room. */
  since: v.optional(Seq),
  /** The user has read the messages up to this one. */
  read: v.optional(Seq),
  /** The messages after `read`, up to `seq`, that the history shows. */
  unread: v.optional(ReadCounts.entries.unread),
  /** How many of the unread messages mention the user. */
  mentions: v.optional(ReadCounts.entries.mentions),
});
export type RoomHead = v.InferOutput<typeof RoomHead>;

/** The first frame of a `rooms.v1` socket. The socket gets every later message of these rooms. */
export const Welcome = v.object({
  command: v.literal('Welcome'),
  user: v.object({ id: Id }),
  rooms: v.array(RoomHead),
  /** The id of the database. If it is another id than before, the seqs that the client stored may be wrong. */
  epoch: Id,
  /** True if another `Welcome` with more rooms follows. Only a socket that resumes gets several. */
  more: v.optional(v.boolean()),
});
export type Welcome = v.InferOutput<typeof Welcome>;

/** A command of this client is committed as the message `seq` of the room. Only `rooms.v1` sockets get this frame. */
export const Ack = v.object({
  command: v.literal('Ack'),
  ref: v.optional(Ref),
  /** The id of the message that records the command. */
  id: Id,
  roomId: AnyId,
  seq: Seq,
});
export type Ack = v.InferOutput<typeof Ack>;

/** This gateway stops. The client moves to another gateway. Only `rooms.v1` sockets get this frame. */
export const GoingAway = v.object({
  command: v.literal('GoingAway'),
  /** Milliseconds after which the gateway refuses new commands. */
  after: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});
export type GoingAway = v.InferOutput<typeof GoingAway>;

/** A command is refused, or the socket closes next for this reason. */
export const ErrorFrame = v.object({
  command: v.literal('Error'),
  ...ErrorAnswer.entries,
  /** Seconds after which a retry may succeed. */
  retryAfter: v.optional(v.number()),
  ref: v.optional(Ref),
});
export type ErrorFrame = v.InferOutput<typeof ErrorFrame>;
