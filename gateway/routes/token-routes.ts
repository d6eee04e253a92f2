import type { GatewayContext } from '../edge/gateway-context.ts';
import type { UserRequest } from '../http/route.ts';
import { submitAccountChange } from './submit.ts';

/** Revokes the token of the request, and closes the sockets that use this token. */
export async function logOut(gateway: GatewayContext, { bearer, userId }: UserRequest): Promise<{ message: string }> {
  const { tokenId, expires } = bearer;
  const change = { command: 'Logout', userId, tokenId, expires: new Date(expires).toISOString() } as const;
  await submitAccountChange(gateway, change);
  return { message: 'logged out' };
}

/** Revokes all tokens of the user, and closes all sockets of the user. */
export async function logOutAll(gateway: GatewayContext, { userId }: UserRequest): Promise<{ message: string }> {
  await submitAccountChange(gateway, { command: 'LogoutAll', userId });
  return { message: 'logged out' };
}

/** Makes a ticket. A browser opens a socket with a ticket, because it cannot send a token in a header. */
export async function createTicket({ tickets }: GatewayContext, { bearer }: UserRequest): Promise<{ ticket: string }> {
  return { ticket: await tickets.issue(bearer) };
}
