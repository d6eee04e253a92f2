import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { GatewayContext } from '../edge/gateway-context.ts';

/**
 * Finds the user of the request's token. The token must be valid, and no logout may have ended it.
 * @throws Refusal `no_token`, `bad_token`, `token_expired`, `token_revoked` or `unavailable`
 */
export async function authenticate(
  { tokens, reads }: GatewayContext,
  headers: Map<string, string>,
): Promise<{ bearer: Bearer; isAdmin: boolean }> {
  const bearer = await tokens.verify(headers.get('authorization'));
  const { isTokenValid, isAdmin } = await reads.session(bearer);
  if (!isTokenValid) throw new Refusal('token_revoked');
  return { bearer, isAdmin };
}
