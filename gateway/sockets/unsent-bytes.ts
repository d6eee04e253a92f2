import type { Config } from '../../shared/config.ts';
import type { Log } from '../../shared/log.ts';

const BYTES_OF_MEGABYTE = 1024 * 1024;
const SWEEP_EVERY_MS = 100;
/** Each sweep checks these sockets. So all of 20,000 sockets are checked within a second. */
const SOCKETS_PER_SWEEP = 2_000;

/** A socket whose client may read slowly. */
export interface Reader {
  readonly closed: boolean;
  /** The bytes that were sent to the socket and that its client has not read yet. */
  readonly unsentBytes: number;
  /** Closes the socket at once and drops its unsent bytes. */
  terminate(): void;
}

/**
 * Bounds the unsent bytes of all sockets of a gateway together. Above the bound, the sockets with the most unsent bytes
 * are closed first. uWebSockets.js does not say when bytes stay unsent, so this checks all sockets in turns.
 */
export class UnsentBytes {
  readonly #sockets: Iterable<Reader>;
  readonly #maxBytes: number;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  /** The sockets that had unsent bytes at their last check. */
  readonly #slow = new Set<Reader>();
  #rest: Iterator<Reader>;

  constructor(sockets: Iterable<Reader>, { UNSENT_MEGABYTES }: Config<'UNSENT_MEGABYTES'>, log: Log) {
    this.#sockets = sockets;
    this.#rest = sockets[Symbol.iterator]();
    this.#maxBytes = UNSENT_MEGABYTES * BYTES_OF_MEGABYTE;
    this.#log = log;
    this.#timer = setInterval(() => this.sweep(), SWEEP_EVERY_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Checks the next sockets, and closes the slowest sockets if there are too many unsent bytes. */
  sweep(): void {
    this.#findSlow();
    let total = 0;
    for (const socket of this.#slow) {
      const bytes = socket.closed ? 0 : socket.unsentBytes;
      total += bytes;
      if (bytes === 0) this.#slow.delete(socket);
    }
    if (total > this.#maxBytes) this.#closeSlowest(total);
  }

  #findSlow(): void {
    for (let index = 0; index < SOCKETS_PER_SWEEP; index++) {
      const { done, value } = this.#rest.next();
      if (done) {
        this.#rest = this.#sockets[Symbol.iterator]();
        return;
      }
      if (!value.closed && value.unsentBytes > 0) this.#slow.add(value);
    }
  }

  #closeSlowest(total: number): void {
    const slowest = [...this.#slow].map((socket) => ({ socket, bytes: socket.unsentBytes }));
    slowest.sort((a, b) => b.bytes - a.bytes);
    let rest = total;
    let closed = 0;
    for (const { socket, bytes } of slowest) {
      if (rest <= this.#maxBytes) break;
      rest -= bytes;
      closed++;
      this.#slow.delete(socket);
      socket.terminate();
    }
    this.#log.warn({ bytes: total, maxBytes: this.#maxBytes, closed }, 'the slowest sockets were closed');
  }
}
