import * as v from 'valibot';
import { Role, RoomType, Timestamp } from './fields.ts';
import { Id } from './ids.ts';

// The shapes of the answers over HTTP. A message has its own file, for sockets and channels carry it too.

/** A room, as a user's record shows it. */
const RoomOfUser = v.object({ id: Id, name: v.string(), ownerId: v.nullable(Id), roomType: RoomType });

/** A user as the viewer may see them. The e-mail is empty and private rooms are left out where the viewer may not. */
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

/** A user, as a room shows them. */
const UserOfRoom = v.object({ id: Id, firstName: v.string(), lastName: v.string(), isOnline: v.boolean() });

export const Room = v.object({
  id: Id,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  name: v.string(),
  /** Null for the two standing rooms. */
  ownerId: v.nullable(Id),
  roomType: RoomType,
  /** The users who joined first. `limits` says how many a room shows. */
  users: v.array(UserOfRoom),
});
export type Room = v.InferOutput<typeof Room>;
export const Token = v.object({ token: v.string() });
export const Ticket = v.object({ ticket: v.string() });

/** An answer that confirms that the request was carried out. It has this text. */
export const confirmation = (message: string) => v.object({ message: v.literal(message) });
export const Status = v.object({ status: v.string() });
