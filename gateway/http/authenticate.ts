import { Refusal } from '../../shared/contract/errors.ts';
import { withTimeout } from '../../shared/timeout.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import { orUnavailable } from '../edge/unavailable.ts';
import type { Route } from './route.ts';

/** A command over HTTP waits at most this time for the check of its token. */
const COMMAND_CHECK_MS = 1_500;

/**
 * Finds the user of the request's token. The token must be valid, and no logout may have ended it.
 * @throws Refusal `no_token`, `bad_token`, `token_expired`, `token_revoked` or `unavailable`
 */
export async function authenticate(gateway: GatewayContext, headers: Map<string, string>): Promise<Bearer> {
  const bearer = gateway.tokens.verify(headers.get('authorization'));
  await checkSession(gateway, bearer, { callers: 'user' });
  return bearer;
}

/**
 * @param route a route that submits a command waits only a short time: commands are refused soon while Postgres is not reachable
 * @throws Refusal `token_revoked`, `admin_only` or `unavailable`
 */
export async function checkSession(
  { reads }: GatewayContext,
  bearer: Bearer,
  { callers, submits }: Pick<Route, 'callers' | 'submits'>,
): Promise<void> {
  const reading = reads.session(bearer);
  const { isTokenValid, isAdmin } = await (submits ? orUnavailable(withTimeout(reading, COMMAND_CHECK_MS)) : reading);
  if (!isTokenValid) throw new Refusal('token_revoked');
  if (callers === 'admin' && !isAdmin) throw new Refusal('admin_only');
}
