import { closeCodes, Refusal } from '../../shared/contract/errors.ts';
import type { Log } from '../../shared/log.ts';

/** Turns an error into a refusal for the client. Logs errors of the server. No other function logs them. */
export function toRefusal(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) {
    if (error.cause && error.status >= 500) log.warn({ error }, 'a request was refused because a service failed');
    return error;
  }
  log.error({ error }, 'a request failed');
  return new Refusal('internal');
}

/** Returns the close code for a socket that is closed because of this refusal. */
export function closeCodeOf({ code, status }: Refusal): number {
  if (code === 'resume_missing') return closeCodes.protocol;
  if (status === 401) return closeCodes.unauthorized;
  return status === 429 ? closeCodes.too_many : closeCodes.unavailable;
}

/**
 * Returns the reason for a close frame: the code. Developers of old clients see only this reason, so the reason for
 * `query_token_off` also names the variable that they need. A reason has at most 123 bytes (RFC 6455).
 */
export function closeReasonOf({ code }: Refusal): string {
  return code === 'query_token_off' ? `${code}: the server needs WS_QUERY_TOKEN=true` : code;
}
