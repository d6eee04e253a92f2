import type { HttpResponse } from 'uWebSockets.js';

/** uWebSockets.js closes a connection without a request after at most this time. */
const MAX_SILENCE_MS = 12_000;

interface NewConnection {
  address: string;
  /** The connection, while it is certain that it has sent no request. Only such a connection may be closed here. */
  silent: HttpResponse | undefined;
  /** When the connection stops to count as new. */
  forgetAtMs: number;
}

/**
 * The new connections of each address. uWebSockets.js does not say which connection a request comes from. So after a
 * request, no connection of its address counts as silent any more. They count as new for MAX_SILENCE_MS. Then the silent
 * ones are closed.
 */
export class SilentConnections {
  /** Those that are certainly silent, with the oldest first. */
  readonly #silent = new Set<NewConnection>();
  /** The others, in the order in which they will be forgotten. */
  readonly #uncertain = new Set<NewConnection>();
  readonly #byAddress = new Map<string, Set<NewConnection>>();

  /** Call this when a connection opens. */
  add(connection: HttpResponse, address: string): void {
    this.#forgetOld();
    const entry: NewConnection = { address, silent: connection, forgetAtMs: Number.POSITIVE_INFINITY };
    // Without a request, uWebSockets.js calls this when the connection closes. A request replaces this function.
    connection.onAborted(() => this.#remove(entry));
    this.#silent.add(entry);
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress) ofAddress.add(entry);
    else this.#byAddress.set(address, new Set([entry]));
  }

  /** Call this for each request, in the tick in which it arrives. @param addressOf is called only if it matters */
  handleRequest(addressOf: () => string | undefined): void {
    if (this.#silent.size === 0) return;
    const forgetAtMs = performance.now() + MAX_SILENCE_MS;
    for (const entry of this.#byAddress.get(addressOf() ?? '') ?? []) {
      if (!this.#silent.delete(entry)) continue;
      entry.silent = undefined;
      entry.forgetAtMs = forgetAtMs;
      this.#uncertain.add(entry);
    }
  }

  /** Returns the number of new connections of an address. */
  countOf(address: string): number {
    this.#forgetOld();
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** Closes the oldest silent connection, of one address or of all. @returns false if there is none */
  closeOldest(address?: string): boolean {
    const entries = address === undefined ? this.#silent : (this.#byAddress.get(address) ?? []);
    for (const { silent } of entries) {
      if (!silent) continue;
      silent.close();
      return true;
    }
    return false;
  }

  #forgetOld(): void {
    const now = performance.now();
    for (const entry of this.#uncertain) {
      if (entry.forgetAtMs > now) return;
      this.#remove(entry);
    }
  }

  #remove(entry: NewConnection): void {
    this.#silent.delete(entry);
    this.#uncertain.delete(entry);
    const ofAddress = this.#byAddress.get(entry.address);
    ofAddress?.delete(entry);
    if (ofAddress?.size === 0) this.#byAddress.delete(entry.address);
  }
}
