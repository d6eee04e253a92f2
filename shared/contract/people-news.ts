import * as v from 'valibot';
import { AnyId, Id } from './ids.ts';

// What gateways publish for each other about who is online (docs/decisions/0012). Every gateway gets every publication.

/** Counts the changes of a gateway. A gateway that knows a room up to `after` may apply the change `number`. */
const ChangeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A room whose members the sender wants to know. */
const Question = v.object({
  roomId: AnyId,
  /** Only this gateway answers. Without it, every gateway answers. */
  of: v.optional(Id),
});

/** All members of a room who are online on the gateway of the sender. */
const State = v.object({ roomId: AnyId, number: ChangeNumber, users: v.array(Id) });
export type State = v.InferOutput<typeof State>;

/** The members of a room who came to the gateway of the sender, or went. */
const Change = v.object({
  roomId: AnyId,
  after: ChangeNumber,
  number: ChangeNumber,
  came: v.array(Id),
  went: v.array(Id),
});
export type Change = v.InferOutput<typeof Change>;

/** One publication. A gateway sends one every ten seconds, also without any news: so the others know that it runs. */
export const PeopleNews = v.object({
  from: Id,
  /** The gateway stops: its users are not online any more. */
  isGone: v.optional(v.boolean(), false),
  /** Rooms that the sender still follows: it wants their changes for the next 30 seconds. */
  follows: v.optional(v.array(AnyId), []),
  questions: v.optional(v.array(Question), []),
  /** The number of the last change of rooms that others follow. A gateway with another number asks again. */
  heads: v.optional(v.array(v.object({ roomId: AnyId, number: ChangeNumber })), []),
  states: v.optional(v.array(State), []),
  changes: v.optional(v.array(Change), []),
  typing: v.optional(v.array(v.object({ roomId: AnyId, users: v.array(Id) })), []),
});
export type PeopleNews = v.InferOutput<typeof PeopleNews>;
