import type { Gateway } from '../gateway.ts';
import type { Handler, Request, Response } from '../http.ts';

/** A handler for users alone: nothing of a request without a good token is looked at. */
export function authenticated(
  { tokens }: Gateway,
  handle: (request: Request, userId: string) => Response | Promise<Response>,
): Handler {
  return async (request) => {
    const { userId } = await tokens.verify(request.headers.get('authorization'));
    return handle(request, userId);
  };
}
