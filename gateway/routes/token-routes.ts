import type { AccountChange } from '../../shared/contract/account-commands.ts';
import type { Gateway } from '../gateway.ts';
import type { Response } from '../http/http.ts';
import { authenticated } from './authenticated.ts';
import { changeAccount } from './submit.ts';

/** `POST /api/users/logout`: ends this token, and the sockets that were opened with it. */
export const logOut = (gateway: Gateway) =>
  authenticated(gateway, (_, userId, { tokenId, expires }) =>
    end(gateway, { command: 'Logout', userId, tokenId, expires: new Date(expires).toISOString() }),
  );

/** `POST /api/users/logout-all`: ends all tokens and sockets of the user. */
export const logOutAll = (gateway: Gateway) =>
  authenticated(gateway, (_, userId) => end(gateway, { command: 'LogoutAll', userId }));

/** `POST /api/ws/ticket`: for the socket of a browser, which cannot send a header. */
export const createTicket = (gateway: Gateway) =>
  authenticated(gateway, async (_request, _userId, bearer) => ({
    status: 201,
    body: { ticket: await gateway.tickets.issue(bearer) },
  }));

async function end(gateway: Gateway, change: AccountChange): Promise<Response> {
  await changeAccount(gateway, change);
  return { status: 200, body: { message: 'logged out' } };
}
