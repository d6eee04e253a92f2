import { closeCodes, Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';

/** Turns any failure into a refusal for the client. A failure of the server is logged here, once. */
export function toRefusal(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) {
    if (error.cause && error.status >= 500) log.warn({ error }, 'a request was refused: a service failed');
    return error;
  }
  log.error({ error }, 'a request failed');
  return new Refusal('internal');
}

/** The close code for a socket that ends because of this refusal. */
export function closeCodeOf({ status }: Refusal): number {
  if (status === 401) return closeCodes.unauthorized;
  return status === 429 ? closeCodes.too_many : closeCodes.unavailable;
}
