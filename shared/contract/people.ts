import * as v from 'valibot';
import { AnyId, Id, RoomId } from './ids.ts';
import { limits } from './limits.ts';

// Who is online in a room, and who types. Only `rooms.v1` sockets have these frames. Nothing of it is stored.

/** The rooms that the user looks at now. They replace those of the last `Watch`. */
export const Watch = v.object({
  command: v.literal('Watch'),
  rooms: v.pipe(v.array(RoomId), v.maxLength(limits.MAX_WATCHED_ROOMS)),
});
export type Watch = v.InferOutput<typeof Watch>;

/** The user types in this room. */
export const Typing = v.object({ command: v.literal('Typing'), roomId: RoomId });
export type Typing = v.InferOutput<typeof Typing>;

/** Who is online in a room: all (`users`), or who came and who went since the last frame. */
export const Presence = v.object({
  command: v.literal('Presence'),
  roomId: AnyId,
  /** The number of members who are online. */
  online: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** Members who are online: all of them, or a sample of `MAX_SHOWN_USERS`. */
  users: v.optional(v.array(Id)),
  came: v.optional(v.array(Id)),
  went: v.optional(v.array(Id)),
});
export type Presence = v.InferOutput<typeof Presence>;

/** These users type now. */
export const TypingUsers = v.object({ command: v.literal('Typing'), roomId: AnyId, users: v.array(Id) });
export type TypingUsers = v.InferOutput<typeof TypingUsers>;
