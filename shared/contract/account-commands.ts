import * as v from 'valibot';
import { Email, PersonName, Phone, Role, Timestamp } from './fields.ts';
import { Id } from './ids.ts';

const Person = {
  firstName: PersonName,
  lastName: PersonName,
  email: Email,
  phone: v.optional(Phone),
  /** True if the person proved with a one-time password that they own this e-mail address. */
  proven: v.boolean(),
};

/** Creates an account with the id of the command. The gateway hashes the password, so no job contains a password. */
const Register = v.object({ command: v.literal('Register'), ...Person, passwordHash: v.string() });

const UpdateUser = v.object({ command: v.literal('UpdateUser'), userId: Id, ...Person });

/** Replaces `formerHash` by a new hash of the same password, made with newer parameters. */
const RehashPassword = v.object({
  command: v.literal('RehashPassword'),
  userId: Id,
  formerHash: v.string(),
  passwordHash: v.string(),
});

/** Ends one token. `expires` is the time at which the token expires without a logout. */
const Logout = v.object({ command: v.literal('Logout'), userId: Id, tokenId: Id, expires: Timestamp });

/** Ends all tokens of a user. */
const LogoutAll = v.object({ command: v.literal('LogoutAll'), userId: Id });

/** Grants a role to the target, or takes the role away. The caller (`userId`) must be an admin. */
const ChangeRole = v.object({
  command: v.literal('ChangeRole'),
  userId: Id,
  targetId: Id,
  role: Role,
  granted: v.boolean(),
});

/** Gives the database another epoch, if it still has this one. A gateway sends this when Postgres has gone back in time. */
const ChangeEpoch = v.object({ command: v.literal('ChangeEpoch'), epoch: Id });

/** A change of an account or of the epoch, as a gateway makes it. The dispatcher adds an id and a deadline. */
export const AccountChange = v.variant('command', [
  Register,
  UpdateUser,
  RehashPassword,
  Logout,
  LogoutAll,
  ChangeRole,
  ChangeEpoch,
]);
export type AccountChange = v.InferOutput<typeof AccountChange>;

/** The form of an account change for a worker. After the deadline (by the clock of the database) it is refused. */
export const AccountCommand = v.intersect([AccountChange, v.object({ id: Id, deadline: Timestamp })]);
export type AccountCommand = v.InferOutput<typeof AccountCommand>;

export const accountChangeNames: AccountChange['command'][] = AccountChange.options.map(
  ({ entries }) => entries.command.literal,
);
