import * as v from 'valibot';
import { Role, RoomType, Timestamp } from './fields.ts';
import { Id } from './ids.ts';

// The schemas of answers over HTTP. The schema of a message is in messages.ts, because sockets also carry messages.

/** One of the rooms in the record of a user. */
const RoomOfUser = v.object({ id: Id, name: v.string(), ownerId: v.nullable(Id), roomType: RoomType });

/** A user, without what the viewer may not see: the e-mail is then empty, and private rooms are left out. */
export const User = v.object({
  id: Id,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  firstName: v.string(),
  lastName: v.string(),
  email: v.string(),
  roles: v.array(Role),
  rooms: v.array(RoomOfUser),
  isOnline: v.boolean(),
});
export type User = v.InferOutput<typeof User>;

/** One of the users in the record of a room. */
const UserOfRoom = v.object({ id: Id, firstName: v.string(), lastName: v.string(), isOnline: v.boolean() });

export const Room = v.object({
  id: Id,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  name: v.string(),
  /** Null for the two rooms that always exist: general and announcements. */
  ownerId: v.nullable(Id),
  roomType: RoomType,
  /** The users who joined first, up to a maximum in limits.ts. */
  users: v.array(UserOfRoom),
});
export type Room = v.InferOutput<typeof Room>;
export const Token = v.object({ token: v.string() });
export const Ticket = v.object({ ticket: v.string() });

/** An answer with this fixed text, for a request that has no other result. */
export const confirmation = (message: string) => v.object({ message: v.literal(message) });
export const Status = v.object({ status: v.string() });
