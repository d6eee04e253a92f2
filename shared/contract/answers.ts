import * as v from 'valibot';
import { Role, RoomType, Seq, Timestamp } from './fields.ts';
import { AnyId, Id } from './ids.ts';
import { Message } from './messages.ts';
import { Otp } from './otps.ts';

// The schemas of answers over HTTP. The schema of a message is in messages.ts, because sockets also carry messages.

/** A user without their rooms. The e-mail is empty if the viewer may not see it. */
const Person = {
  id: Id,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  firstName: v.string(),
  lastName: v.string(),
  email: v.string(),
  roles: v.array(Role),
  isOnline: v.boolean(),
};

/** One of the users in the record of a room. */
export const UserOfRoom = v.object(Person);
export type UserOfRoom = v.InferOutput<typeof UserOfRoom>;

/** A room with the users who joined first, up to a maximum in limits.ts. */
export const Room = v.object({
  id: AnyId,
  createdAt: Timestamp,
  updatedAt: Timestamp,
  name: v.string(),
  /** The user who owns the room. The standing rooms have no owner: their own id stands here. */
  ownerId: AnyId,
  roomType: RoomType,
  users: v.array(UserOfRoom),
});
export type Room = v.InferOutput<typeof Room>;

/**
 * A user with the rooms that the viewer may see, but without the two rooms that always exist. In a list of users, `rooms`
 * is empty, because the rooms of 400 users would be a long answer.
 */
export const User = v.object({ ...Person, rooms: v.array(Room) });
export type User = v.InferOutput<typeof User>;

/** All messages of a room after a seq, in the order of seq. `head` is the seq of the last message of the room. */
export const Events = v.object({ events: v.array(Message), head: Seq });

export const Token = v.object({ token: v.string() });
export const Ticket = v.object({ ticket: v.string() });

/** What the page must know of the gateway. `showsCodes`: the gateway is for development, and shows the mailed codes. */
export const Settings = v.object({ showsCodes: v.boolean() });
/** A one-time password that was mailed to a file. */
export const MailedCode = v.object({ code: Otp, sentAt: Timestamp });
export type MailedCode = v.InferOutput<typeof MailedCode>;

/** An answer with this fixed text, for a request that has no other result. */
export const confirmation = (message: string) => v.object({ message: v.literal(message) });
export const Status = v.object({ status: v.string() });
