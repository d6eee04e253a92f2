import * as v from 'valibot';
import { Email, PersonName, Phone, Role, Timestamp } from './fields.ts';
import { Id } from './ids.ts';

const Person = {
  firstName: PersonName,
  lastName: PersonName,
  email: Email,
  phone: v.optional(Phone),
  /** True if a one-time password has proved that the person reads this e-mail. */
  proven: v.boolean(),
};

/** Makes an account. Its id is the id of the command. The gateway hashes the password first: no job holds a password. */
const Register = v.object({ command: v.literal('Register'), ...Person, passwordHash: v.string() });

const UpdateUser = v.object({ command: v.literal('UpdateUser'), userId: Id, ...Person });

/** Stores the same password under newer parameters of the hash. */
const RehashPassword = v.object({
  command: v.literal('RehashPassword'),
  userId: Id,
  formerHash: v.string(),
  passwordHash: v.string(),
});

/** Ends one token. `expires` is when the token would end by itself. */
const Logout = v.object({ command: v.literal('Logout'), userId: Id, tokenId: Id, expires: Timestamp });

/** Ends all tokens of a user. */
const LogoutAll = v.object({ command: v.literal('LogoutAll'), userId: Id });

/** Grants or takes away a role. The caller (`userId`) must be an admin. */
const ChangeRole = v.object({
  command: v.literal('ChangeRole'),
  userId: Id,
  targetId: Id,
  role: Role,
  granted: v.boolean(),
});

/** A change of an account, as a route asks for it. */
export const AccountChange = v.variant('command', [
  Register,
  UpdateUser,
  RehashPassword,
  Logout,
  LogoutAll,
  ChangeRole,
]);
export type AccountChange = v.InferOutput<typeof AccountChange>;

/** An account change on its way to a worker. After the deadline (by the clock of the database) it is refused. */
export const AccountCommand = v.intersect([AccountChange, v.object({ id: Id, deadline: Timestamp })]);
export type AccountCommand = v.InferOutput<typeof AccountCommand>;

export const accountChangeNames: AccountChange['command'][] = AccountChange.options.map(
  ({ entries }) => entries.command.literal,
);
