import { Refusal } from '../../shared/contract/errors.ts';

/** At least this time is between two searches for expired tokens. So a socket can stay open for this time longer. */
const MIN_PAUSE_MS = 250;
/** A timer of Node cannot wait longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface ExpiringSocket {
  /** When its token expires, in milliseconds since 1970. */
  readonly tokenExpires: number;
  closeWithError(refusal: Refusal): void;
}

/** Closes sockets when their tokens expire. All sockets share one timer: a timer for each of them needs more memory. */
export class TokenExpiries {
  readonly #sockets: Iterable<ExpiringSocket>;
  #timer: NodeJS.Timeout | undefined;
  #nextExpiry = Number.POSITIVE_INFINITY;

  /** @param sockets all open sockets */
  constructor(sockets: Iterable<ExpiringSocket>) {
    this.#sockets = sockets;
  }

  /** Call this when the token of a socket is known. @param expires in milliseconds since 1970 */
  watch(expires: number): void {
    if (expires >= this.#nextExpiry) return;
    clearTimeout(this.#timer);
    this.#nextExpiry = expires;
    const waitMs = Math.min(Math.max(expires - Date.now(), MIN_PAUSE_MS), MAX_TIMER_MS);
    this.#timer = setTimeout(() => this.#closeExpired(), waitMs);
    this.#timer.unref();
  }

  #closeExpired(): void {
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    this.#nextExpiry = next;
    for (const socket of this.#sockets) {
      if (socket.tokenExpires <= now) socket.closeWithError(new Refusal('token_expired'));
      else next = Math.min(next, socket.tokenExpires);
    }
    if (next < Number.POSITIVE_INFINITY) this.watch(next);
  }
}
