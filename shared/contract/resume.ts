import * as v from 'valibot';
import { Seq } from './fields.ts';
import { AnyId, Id } from './ids.ts';

// The frames of a socket that resumes: it was opened with `?resume=true`. `Welcome` is in frames.ts.

/** For each room, the seq of the last message that the client has. */
const Positions = v.record(AnyId, Seq);

/** The client says which messages it has. The gateway sends everything after them. */
export const Resume = v.object({
  command: v.literal('Resume'),
  /** The `epoch` of the last `Welcome`. Undefined if the client has no positions: it starts at the head of each room. */
  epoch: v.optional(Id),
  rooms: Positions,
  /** If more messages of a room are missing, the client gets `Resync` for it. */
  most: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
  /** True if another `Resume` frame with more rooms follows. A frame has at most 16 KB. */
  more: v.optional(v.boolean()),
});
export type Resume = v.InferOutput<typeof Resume>;

/** Every room of the socket is live. */
export const Resumed = v.object({ command: v.literal('Resumed') });
export type Resumed = v.InferOutput<typeof Resumed>;

/** The missing messages of this room are not sent. The next message of the room is `seq + 1`. Load the history. */
export const Resync = v.object({ command: v.literal('Resync'), roomId: AnyId, seq: Seq });
export type Resync = v.InferOutput<typeof Resync>;

/** The user is not a member of this room. No message of the room follows. */
export const Left = v.object({ command: v.literal('Left'), roomId: AnyId });
export type Left = v.InferOutput<typeof Left>;

/** The last seq that was sent to this socket, for some of its rooms or all. */
export const Heads = v.object({ command: v.literal('Heads'), rooms: Positions });
export type Heads = v.InferOutput<typeof Heads>;
