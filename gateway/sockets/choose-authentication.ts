import type { HttpRequest } from 'uWebSockets.js';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Gateway } from '../gateway.ts';

/** Finds out whose socket this is. */
export type Authenticate = () => Promise<Bearer>;

/**
 * Chooses how a socket authenticates: by a ticket, by the header `Authorization`, or, where `WS_QUERY_TOKEN` allows it,
 * by a token in the URL.
 * @throws Refusal `no_token`
 */
export function chooseAuthentication({ tickets, tokens, config }: Gateway, req: HttpRequest): Authenticate {
  const query = new URLSearchParams(req.getQuery() ?? '');
  const ticket = query.get('ticket');
  if (ticket !== null) return () => tickets.redeem(ticket);
  const token = config.WS_QUERY_TOKEN ? query.get('token') : null;
  const authorization = req.getHeader('authorization') || (token && `Bearer ${token}`);
  if (!authorization) throw new Refusal('no_token');
  return () => tokens.verify(authorization);
}
