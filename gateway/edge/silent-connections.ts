import type { HttpResponse } from 'uWebSockets.js';

/** uWebSockets.js closes a connection without a request after at most this time. */
const MAX_SILENCE_MS = 12_000;

/** Connections of one address that opened between two requests of the address. */
interface Group {
  address: string;
  /** The oldest first. */
  connections: Set<HttpResponse>;
  /** When the connections stop to count as new. */
  forgetAtMs: number;
}

/**
 * The new connections of each address. uWebSockets.js does not say which connection a request comes from. So after a
 * request, no connection of its address counts as silent any more. They count as new for MAX_SILENCE_MS, also if they
 * have become sockets. Then the silent ones are closed. A request moves all connections of its address at once, so it
 * costs the same however many there are.
 */
export class SilentConnections {
  /** By address. These connections have certainly sent no request. Only such a connection may be closed here. */
  readonly #silent = new Map<string, Group>();
  /** The others, in the order in which they will be forgotten. */
  readonly #uncertain = new Set<Group>();
  readonly #counts = new Map<string, number>();

  /** Call this when a connection opens. */
  add(connection: HttpResponse, address: string): void {
    this.#forgetOld();
    const group = this.#silent.get(address) ?? this.#addGroup(address);
    group.connections.add(connection);
    this.#count(address, 1);
    // Without a request, uWebSockets.js calls this when the connection closes. A request replaces this function.
    connection.onAborted(() => this.#remove(group, connection));
  }

  /** Call this for each request, in the tick in which it arrives. @param addressOf is called only if it matters */
  handleRequest(addressOf: () => string | undefined): void {
    if (this.#silent.size === 0) return;
    const group = this.#silent.get(addressOf() ?? '');
    if (!group) return;
    this.#silent.delete(group.address);
    group.forgetAtMs = performance.now() + MAX_SILENCE_MS;
    this.#uncertain.add(group);
  }

  /** Returns the number of new connections of an address. */
  countOf(address: string): number {
    this.#forgetOld();
    return this.#counts.get(address) ?? 0;
  }

  /**
   * Closes the oldest silent connection of an address. Without an address, takes the address that has had silent
   * connections for the longest time. @returns false if there is none
   */
  closeOldest(address?: string): boolean {
    const group = address === undefined ? this.#silent.values().next().value : this.#silent.get(address);
    const [oldest] = group?.connections ?? [];
    oldest?.close();
    return oldest !== undefined;
  }

  #addGroup(address: string): Group {
    const group = { address, connections: new Set<HttpResponse>(), forgetAtMs: Number.POSITIVE_INFINITY };
    this.#silent.set(address, group);
    return group;
  }

  #forgetOld(): void {
    const now = performance.now();
    for (const group of this.#uncertain) {
      if (group.forgetAtMs > now) return;
      this.#uncertain.delete(group);
      this.#count(group.address, -group.connections.size);
      group.connections.clear();
    }
  }

  #remove(group: Group, connection: HttpResponse): void {
    if (!group.connections.delete(connection)) return;
    this.#count(group.address, -1);
    if (group.connections.size > 0) return;
    this.#uncertain.delete(group);
    if (this.#silent.get(group.address) === group) this.#silent.delete(group.address);
  }

  #count(address: string, change: number): void {
    const count = (this.#counts.get(address) ?? 0) + change;
    if (count > 0) this.#counts.set(address, count);
    else this.#counts.delete(address);
  }
}
