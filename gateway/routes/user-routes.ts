import * as v from 'valibot';
import type { User } from '../../shared/contract/answers.ts';
import { Refusal } from '../../shared/contract/errors.ts';
import { Email, PersonName, Phone, Role, WellFormed } from '../../shared/contract/fields.ts';
import { Id } from '../../shared/contract/ids.ts';
import { Otp } from '../../shared/contract/otps.ts';
import { validate } from '../edge/validate.ts';
import type { Gateway } from '../gateway.ts';
import type { Request, Response } from '../http/http.ts';
import type { StoredUser } from '../reads/user-reads.ts';
import { authenticated } from './authenticated.ts';
import { Page } from './paging.ts';
import { changeAccount } from './submit.ts';

const Update = v.strictObject({ firstName: PersonName, lastName: PersonName, email: Email, phone: Phone });
const ProvenUpdate = v.strictObject({ ...Update.entries, otp: Otp });
/** So much of an e-mail has to be known to search for it. */
const EmailBeginning = v.pipe(WellFormed, v.minLength(3), v.maxLength(254));

/** `GET /api/users?page=1&size=100`: in the order in which they came. */
export const listUsers = (gateway: Gateway) =>
  authenticated(gateway, async ({ query }, userId) => {
    const { page, size } = validate(Page, Object.fromEntries(query));
    return { status: 200, body: await withPresence(gateway, await gateway.reads.users(userId, page, size)) };
  });

/** `GET /api/users/email/:email`: whose e-mail begins so. */
export const searchUsers = (gateway: Gateway) =>
  authenticated(gateway, async ({ parameters: [parameter] }, userId) => {
    const beginning = validate(EmailBeginning, parameter);
    await gateway.limits.search(userId);
    return { status: 200, body: await withPresence(gateway, await gateway.reads.usersByEmail(userId, beginning)) };
  });

/** `GET /api/users/current` */
export const currentUser = (gateway: Gateway) =>
  authenticated(gateway, (_, userId) => answerUser(gateway, userId, userId));

/** `GET /api/users/:id` */
export const getUser = (gateway: Gateway) =>
  authenticated(gateway, ({ parameters: [id] }, userId) => answerUser(gateway, validate(Id, id), userId));

/** `PUT /api/users/update`: one's own record; not with another e-mail, that needs proof. */
export const updateUser = (gateway: Gateway) =>
  authenticated(gateway, async ({ body }, userId) => changeUser(gateway, userId, await body(Update), false));

/** `PUT /api/users/update-otp`: the same, with a code that was mailed to the e-mail of the body. */
export const updateUserWithOtp = (gateway: Gateway) =>
  authenticated(gateway, async ({ body, address }, userId) => {
    const { otp, ...person } = await body(ProvenUpdate);
    const subject = { purpose: 'update', email: person.email, userId } as const;
    await gateway.limits.code(address, () => gateway.otps.take(subject, otp));
    return changeUser(gateway, userId, person, true);
  });

/** `POST /api/users/:id/roles/:role`: by an admin. */
export const addRole = (gateway: Gateway) =>
  authenticated(gateway, (request, userId) => changeRole(gateway, request, userId, true));

/** `DELETE /api/users/:id/roles/:role`: by an admin, but not the last admin's. */
export const removeRole = (gateway: Gateway) =>
  authenticated(gateway, (request, userId) => changeRole(gateway, request, userId, false));

async function changeUser(
  gateway: Gateway,
  userId: string,
  person: v.InferOutput<typeof Update>,
  proven: boolean,
): Promise<Response> {
  await changeAccount(gateway, { command: 'UpdateUser', userId, ...person, proven });
  return answerUser(gateway, userId, userId);
}

async function changeRole(gateway: Gateway, { parameters }: Request, userId: string, granted: boolean) {
  const [targetId, role] = [validate(Id, parameters[0]), validate(Role, parameters[1])];
  await changeAccount(gateway, { command: 'ChangeRole', userId, targetId, role, granted });
  return answerUser(gateway, targetId, userId);
}

/** @throws Refusal `no_such_user` */
export async function answerUser(gateway: Gateway, id: string, viewerId: string, status = 200): Promise<Response> {
  const user = await gateway.reads.user(id, viewerId);
  if (!user) throw new Refusal('no_such_user');
  const [body] = await withPresence(gateway, [user]);
  return { status, body };
}

async function withPresence({ live }: Gateway, users: StoredUser[]): Promise<User[]> {
  const online = await live.whoIsOnline(users.map(({ id }) => id));
  return users.map((user) => ({ ...user, isOnline: online.has(user.id) }));
}
