import type { HttpRequest } from 'uWebSockets.js';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';

/** Finds the user of a socket. Rejects with a Refusal if the ticket or the token is not valid. */
export type Authenticate = () => Promise<Bearer>;

/**
 * Chooses how a socket authenticates: with a ticket in the URL, with the header `Authorization`, or with a token in the
 * URL. A token in the URL works only if `WS_QUERY_TOKEN` is on.
 * @throws Refusal `no_token`
 */
export function chooseAuthentication({ tickets, tokens, config }: GatewayContext, req: HttpRequest): Authenticate {
  const query = new URLSearchParams(req.getQuery() ?? '');
  const ticket = query.get('ticket');
  if (ticket !== null) return () => tickets.redeem(ticket);
  const token = config.WS_QUERY_TOKEN ? query.get('token') : null;
  const authorization = req.getHeader('authorization') || (token && `Bearer ${token}`);
  if (!authorization) throw new Refusal('no_token');
  return () => tokens.verify(authorization);
}
