import * as v from 'valibot';
import { Ref } from './commands.ts';
import { ErrorAnswer } from './errors.ts';
import { Seq } from './fields.ts';
import { Id } from './ids.ts';

// The frames that a gateway sends, beside messages (messages.ts). The commands (commands.ts) are the frames it takes.

/** The subprotocol with `Welcome` and `Ack`. Without it a client gets the frames of the original only. */
export const ROOMS_V1 = 'rooms.v1';

/** A room and the seq of its last message. */
const RoomHead = v.object({ id: Id, seq: Seq });
export type RoomHead = v.InferOutput<typeof RoomHead>;

/** The first frame of a `rooms.v1` socket. The socket gets every later message of these rooms. */
export const Welcome = v.object({
  command: v.literal('Welcome'),
  user: v.object({ id: Id }),
  rooms: v.array(RoomHead),
  /** Names the database. With another epoch, the seqs that a client has kept may not hold. */
  epoch: Id,
});
export type Welcome = v.InferOutput<typeof Welcome>;

/** A command is committed at (roomId, seq). For `rooms.v1` only. */
export const Ack = v.object({
  command: v.literal('Ack'),
  ref: v.optional(Ref),
  /** The id of the message that records the command. */
  id: Id,
  roomId: Id,
  seq: Seq,
});
export type Ack = v.InferOutput<typeof Ack>;

/** A command is refused, or the reason why the socket closes next. */
export const ErrorFrame = v.object({
  command: v.literal('Error'),
  ...ErrorAnswer.entries,
  /** Seconds. A retry may succeed after them. */
  retryAfter: v.optional(v.number()),
  ref: v.optional(Ref),
});
export type ErrorFrame = v.InferOutput<typeof ErrorFrame>;
