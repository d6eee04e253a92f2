import type { HttpRequest } from 'uWebSockets.js';
import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';

/** Finds the user of a socket. Throws or rejects with a Refusal if the ticket or the token is not valid. */
export type Authenticate = () => Bearer | Promise<Bearer>;

/**
 * Chooses how a socket authenticates: with a ticket in the URL, with the header `Authorization`, or with a token in the
 * URL. A token in the URL works only if `WS_QUERY_TOKEN` is on. Otherwise the socket opens and is then refused: a
 * browser shows the reason only for an open socket.
 * @throws Refusal `no_token`
 */
export type ChooseAuthentication = (req: HttpRequest) => Authenticate;

export function createChooseAuthentication(gateway: GatewayContext): ChooseAuthentication {
  const { tickets, tokens, config } = gateway;
  const refuseQueryToken = createQueryTokenRefusal(gateway);
  return (req) => {
    const query = new URLSearchParams(req.getQuery() ?? '');
    const ticket = query.get('ticket');
    if (ticket !== null) return () => tickets.redeem(ticket);
    const authorization = req.getHeader('authorization');
    if (authorization) return () => tokens.verify(authorization);
    const token = query.get('token');
    if (!token) throw new Refusal('no_token');
    return config.WS_QUERY_TOKEN ? () => tokens.verify(`Bearer ${token}`) : refuseQueryToken;
  };
}

/** Logs only the first refusal, so that clients cannot fill the log. */
function createQueryTokenRefusal({ log }: GatewayContext): Authenticate {
  let isLogged = false;
  return () => {
    if (!isLogged)
      log.warn({ variable: 'WS_QUERY_TOKEN' }, 'sockets with ?token= are refused, the variable is not true');
    isLogged = true;
    throw new Refusal('query_token_off');
  };
}
