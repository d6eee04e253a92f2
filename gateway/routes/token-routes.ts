import type { Gateway } from '../gateway.ts';
import type { UserRequest } from '../http/route.ts';
import { submitAccountChange } from './submit.ts';

/** Ends this token, and the sockets that were opened with it. */
export async function logOut(gateway: Gateway, { bearer, userId }: UserRequest): Promise<{ message: string }> {
  const { tokenId, expires } = bearer;
  const change = { command: 'Logout', userId, tokenId, expires: new Date(expires).toISOString() } as const;
  await submitAccountChange(gateway, change);
  return { message: 'logged out' };
}

/** Ends all tokens and sockets of the user. */
export async function logOutAll(gateway: Gateway, { userId }: UserRequest): Promise<{ message: string }> {
  await submitAccountChange(gateway, { command: 'LogoutAll', userId });
  return { message: 'logged out' };
}

/** Makes a ticket for the socket of a browser, which cannot send a header. */
export async function createTicket({ tickets }: Gateway, { bearer }: UserRequest): Promise<{ ticket: string }> {
  return { ticket: await tickets.issue(bearer) };
}
