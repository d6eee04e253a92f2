import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';
import type { Route } from './route.ts';

/**
 * Finds the user of the request's token. The token must be valid, and no logout may have ended it.
 * @throws Refusal `no_token`, `bad_token`, `token_expired`, `token_revoked` or `unavailable`
 */
export async function authenticate(gateway: GatewayContext, headers: Map<string, string>): Promise<Bearer> {
  const bearer = gateway.tokens.verify(headers.get('authorization'));
  await checkSession(gateway, bearer, 'user');
  return bearer;
}

/** @throws Refusal `token_revoked`, `admin_only` or `unavailable` */
export async function checkSession(
  { reads }: GatewayContext,
  bearer: Bearer,
  callers: Route['callers'],
): Promise<void> {
  const { isTokenValid, isAdmin } = await reads.session(bearer);
  if (!isTokenValid) throw new Refusal('token_revoked');
  if (callers === 'admin' && !isAdmin) throw new Refusal('admin_only');
}
