import type { HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Config } from '../../shared/config.ts';
import { limits } from '../../shared/contract/limits.ts';
import type { Log } from '../../shared/log.ts';
import type { PeerOf } from './addresses.ts';
import { maxDescriptors } from './descriptors.ts';
import { EndedSockets } from './ended-sockets.ts';
import { SilentConnections } from './silent-connections.ts';

/** Above this part of the maximum, each answer closes its connection, so an idle connection needs no descriptor. */
const CROWDED = 0.8;
/** At most one line about refused connections in this time. */
const LOG_EVERY_MS = 60_000;

/**
 * Bounds the open connections, so that descriptors are left: without a descriptor, a process cannot even refuse a
 * connection. At a bound, the oldest connection that has sent no request is closed. If there is none, the new
 * connection is closed. `CONNECTIONS_PER_ADDRESS` does not count the connections of trusted proxies.
 */
export class OpenConnections {
  readonly #max: number;
  readonly #maxDescriptors: number;
  readonly #maxOfAddress: number;
  readonly #peerOf: PeerOf;
  readonly #log: Log;
  readonly #silent = new SilentConnections();
  readonly #ended: EndedSockets;
  #count = 0;
  #closedSinceLog = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;

  constructor(config: Config<'CONNECTIONS' | 'CONNECTIONS_PER_ADDRESS'>, peerOf: PeerOf, log: Log) {
    this.#maxDescriptors = Math.max(1, maxDescriptors() - limits.RESERVED_DESCRIPTORS);
    this.#max = Math.min(config.CONNECTIONS ?? this.#maxDescriptors, this.#maxDescriptors);
    this.#ended = new EndedSockets(log);
    this.#maxOfAddress = config.CONNECTIONS_PER_ADDRESS;
    this.#peerOf = peerOf;
    this.#log = log;
  }

  /** The number of open connections, with the sockets. */
  get count(): number {
    return this.#count;
  }

  /** True if an answer should close its connection. */
  get isCrowded(): boolean {
    return this.#count > this.#max * CROWDED;
  }

  /** Sees each connection of the app that opens, and each that closes before it becomes a socket. */
  register(app: TemplatedApp): void {
    const count = (connection: HttpResponse, change: number): void => {
      if (change < 0) this.#count--;
      else this.#open(connection);
    };
    // The type of uWebSockets.js says `Number`, which is the object and not the value.
    app.filter(count as Parameters<TemplatedApp['filter']>[0]);
  }

  /** Call this for each request and each upgrade. */
  handleRequest(res: HttpResponse): void {
    this.#silent.handleRequest(() => this.#peerOf(res.getRemoteAddress()));
  }

  /** Call this when a socket has closed. @param hasCloseFrame true if the gateway or the client sent a close frame */
  handleSocketClose(hasCloseFrame: boolean): void {
    this.#count--;
    if (hasCloseFrame) this.#ended.add();
  }

  #open(connection: HttpResponse): void {
    this.#count++;
    const address = this.#peerOf(connection.getRemoteAddress());
    const isAddressFull = address !== undefined && this.#silent.countOf(address) >= this.#maxOfAddress;
    const descriptors = this.#count + this.#ended.count;
    if (descriptors > this.#maxDescriptors * CROWDED) void this.#ended.recount(() => this.#count);
    const isFull = isAddressFull || this.#count > this.#max || descriptors > this.#maxDescriptors;
    if (isFull) {
      this.#logFull(address);
      if (!this.#silent.closeOldest(isAddressFull ? address : undefined)) return void connection.close();
    }
    if (address !== undefined) this.#silent.add(connection, address);
  }

  #logFull(address: string | undefined): void {
    this.#closedSinceLog++;
    const now = performance.now();
    if (now - this.#loggedAtMs < LOG_EVERY_MS) return;
    const fields = { open: this.#count, max: this.#max, closed: this.#closedSinceLog, address };
    this.#log.warn(fields, 'too many connections are open, so connections without a request are closed');
    this.#loggedAtMs = now;
    this.#closedSinceLog = 0;
  }
}
