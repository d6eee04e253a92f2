import { Refusal } from '../../shared/contract/errors.ts';
import type { Bearer } from '../accounts/tokens.ts';
import type { Gateway } from '../gateway.ts';
import type { Handler, Request, Response } from '../http/http.ts';

/** Who shows a good token that nobody has ended. @throws Refusal `no_token`, `bad_token`, `token_expired`, `token_revoked` */
export async function authenticate({ tokens, reads }: Gateway, { headers }: Request): Promise<Bearer> {
  const bearer = await tokens.verify(headers.get('authorization'));
  if (!(await reads.isLive(bearer))) throw new Refusal('token_revoked');
  return bearer;
}

/** A handler for users alone: nothing of a request without a good token is looked at. */
export function authenticated(
  gateway: Gateway,
  handle: (request: Request, userId: string, bearer: Bearer) => Response | Promise<Response>,
): Handler {
  return async (request) => {
    const bearer = await authenticate(gateway, request);
    return handle(request, bearer.userId, bearer);
  };
}
