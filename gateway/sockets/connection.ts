import type { WebSocket } from 'uWebSockets.js';
import { closeCodes, errors, Refusal } from '../../shared/contract/errors.ts';
import type { ErrorFrame } from '../../shared/contract/frames.ts';
import type { Log } from '../../shared/log.ts';

/** A socket as the rest may touch it at any time: what is asked of one that has closed is not done. */
export interface Connection {
  closed: boolean;
  join(roomId: string): void;
  leave(roomId: string): void;
  send(frame: string): void;
  /** Says why, and closes. */
  end(refusal: Refusal): void;
}

/** uWebSockets.js throws when a closed socket is touched, so all that touches it later looks first. */
export function connect<Data>(socket: WebSocket<Data>): Connection {
  const unlessClosed = (act: () => void) => {
    if (!connection.closed) act();
  };
  const connection: Connection = {
    closed: false,
    join: (roomId) => unlessClosed(() => socket.subscribe(roomId)),
    leave: (roomId) => unlessClosed(() => socket.unsubscribe(roomId)),
    send: (frame) => unlessClosed(() => socket.send(frame)),
    end: (refusal) =>
      unlessClosed(() => {
        socket.send(errorFrame(refusal));
        socket.end(closeCodeOf(refusal), refusal.code);
      }),
  };
  return connection;
}

export function errorFrame(refusal: Refusal, ref?: string): string {
  const frame: ErrorFrame = { command: 'Error', ...refusal.toAnswer(), retryAfter: refusal.retryAfter, ref };
  return JSON.stringify(frame);
}

/** Any failure as a refusal; logged where it is a failure of ours. */
export function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) {
    if (error.cause && errors[error.code].status >= 500) log.warn({ error }, 'a request could not be served');
    return error;
  }
  log.error({ error }, 'a request failed');
  return new Refusal('internal');
}

function closeCodeOf({ code }: Refusal): number {
  const { status } = errors[code];
  if (status === 401) return closeCodes.unauthorized;
  return status === 429 ? closeCodes.too_many : closeCodes.unavailable;
}
