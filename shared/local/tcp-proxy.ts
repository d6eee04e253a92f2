import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { type Filter, Link, type LinkRules } from './link.ts';
import type { Pace } from './paced-pipe.ts';

/**
 * How links fail. `rst`, `fin`: they end, with a reset or with the end of the stream. `deaf`: they stay open and pass
 * nothing more. `accept-deaf`: they end with a reset, and each new link is accepted and passes nothing, until `heal`.
 */
export type Cut = 'rst' | 'fin' | 'deaf' | 'accept-deaf';
export type Match = (link: Link) => boolean;

const everyLink: Match = () => true;

/** A TCP proxy on 127.0.0.1, to make the network between two processes slow or faulty. */
export class TcpProxy implements LinkRules {
  readonly port: number;
  /** The URL of the target with the address of the proxy. */
  readonly url: string;
  /** The open links. */
  readonly links = new Set<Link>();
  /** If it is set, all links are this slow. */
  pace: Pace | undefined;
  onRequest: Filter | undefined;
  onReply: Filter | undefined;
  /** What a client gets if the server accepts no connection. Undefined: a reset. `heal` does not change it. */
  refusal: string | undefined;
  readonly #server: Server;
  #target: URL;
  #deafMatch: Match | undefined;

  private constructor(target: string, server: Server) {
    this.#target = new URL(target);
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.url = withPort(target, this.port);
    server.on('connection', (client) => {
      const { hostname, port } = this.#target;
      const link = new Link(client, connect({ host: hostname, port: Number(port), noDelay: true }), this);
      // A match may need the kind of the link, which shows with its first bytes.
      if (this.#deafMatch === everyLink) link.deafen();
      this.links.add(link);
      client.on('close', () => this.links.delete(link));
    });
  }

  /** @param target the URL of the server, with a port @param port where the proxy listens. Default: a free port */
  static async open(target: string, port = 0): Promise<TcpProxy> {
    const server = createServer({ noDelay: true }).listen(port, '127.0.0.1');
    await once(server, 'listening');
    return new TcpProxy(target, server);
  }

  /** New links go to this server. */
  set target(url: string) {
    this.#target = new URL(url);
  }

  /** @param match which links. Default: all @returns how many open links were cut */
  cut(way: Cut, match: Match = everyLink): number {
    const cutLinks = [...this.links].filter(match);
    if (way === 'accept-deaf') this.#deafMatch = match;
    for (const link of cutLinks) {
      if (way === 'deaf') link.deafen();
      else link.end(way === 'fin' ? 'fin' : 'rst');
    }
    return cutLinks.length;
  }

  isDeaf(link: Link): boolean {
    return this.#deafMatch?.(link) ?? false;
  }

  /** New links work again, at full speed and without filters. A deaf link stays deaf. */
  heal(): void {
    this.#deafMatch = undefined;
    this.pace = undefined;
    this.onRequest = undefined;
    this.onReply = undefined;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.cut('rst');
    await closed;
  }
}

/** Does not use `url.href`, which adds a slash to a URL without a path. */
function withPort(url: string, port: number): string {
  return url.replace(new URL(url).host, `127.0.0.1:${port}`);
}
