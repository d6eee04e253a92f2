import { limits } from '../../shared/contract/limits.ts';
import type {
  ListPage,
  RoleParameters,
  SearchParameter,
  UserParameter,
  UserUpdate,
  UserUpdateWithOtp,
} from '../../shared/contract/requests.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { UserRequest } from '../http/route.ts';
import { pageOf } from './page-of.ts';
import { encodeUser, encodeUsers } from './records.ts';
import { readChanged, submitAccountChange } from './submit.ts';

/** Returns the users, with the oldest accounts first. */
export async function listUsers(
  gateway: GatewayContext,
  { query, userId }: UserRequest & { query: ListPage },
): Promise<string> {
  const { page, size } = pageOf(query, limits.MAX_LISTED_USERS);
  return encodeUsers(gateway, userId, () => gateway.reads.users(userId, page, size));
}

/** Returns the users whose e-mail address begins with the parameter. */
export async function searchUsers(
  gateway: GatewayContext,
  { parameters, userId }: UserRequest & { parameters: SearchParameter },
): Promise<string> {
  await gateway.rateLimits.countSearch(userId);
  return encodeUsers(gateway, userId, () => gateway.reads.usersByEmail(userId, parameters.email));
}

export function currentUser(gateway: GatewayContext, { userId }: UserRequest): Promise<string> {
  return encodeUser(gateway, userId, userId);
}

export function getUser(
  gateway: GatewayContext,
  { parameters, userId }: UserRequest & { parameters: UserParameter },
): Promise<string> {
  return encodeUser(gateway, parameters.id, userId);
}

/** Changes the account of the caller. A new e-mail address needs {@link updateUserWithOtp}. */
export function updateUser(
  gateway: GatewayContext,
  { body, userId }: UserRequest & { body: UserUpdate },
): Promise<string> {
  return changeUser(gateway, userId, body, false);
}

/** Changes the account of the caller. The one-time password proves that the new e-mail address is the caller's own. */
export async function updateUserWithOtp(
  gateway: GatewayContext,
  { body, userId, address }: UserRequest & { body: UserUpdateWithOtp },
): Promise<string> {
  const { otp, ...person } = body;
  const subject = { purpose: 'update', email: person.email, userId } as const;
  await gateway.rateLimits.guardOtp(address, () => gateway.otpCheck.consume(subject, otp));
  return changeUser(gateway, userId, person, true);
}

interface OfRole extends UserRequest {
  parameters: RoleParameters;
}

/** Returns the user. Only admins may call this. */
export function addRole(gateway: GatewayContext, request: OfRole): Promise<string> {
  return changeRole(gateway, request, true);
}

/** Returns the user. Only admins may call this. The last admin cannot lose the role. */
export function removeRole(gateway: GatewayContext, request: OfRole): Promise<string> {
  return changeRole(gateway, request, false);
}

async function changeUser(
  gateway: GatewayContext,
  userId: string,
  person: UserUpdate,
  proven: boolean,
): Promise<string> {
  await submitAccountChange(gateway, { command: 'UpdateUser', userId, ...person, proven });
  return readChangedUser(gateway, userId, userId);
}

async function changeRole(gateway: GatewayContext, { parameters, userId }: OfRole, granted: boolean): Promise<string> {
  const { id: targetId, role } = parameters;
  await submitAccountChange(gateway, { command: 'ChangeRole', userId, targetId, role, granted });
  return readChangedUser(gateway, targetId, userId);
}

/** Returns a user whose account has just changed. @throws Refusal `no_such_user` or `unknown_outcome` */
export function readChangedUser(gateway: GatewayContext, id: string, viewerId: string): Promise<string> {
  return readChanged(encodeUser(gateway, id, viewerId, true));
}
