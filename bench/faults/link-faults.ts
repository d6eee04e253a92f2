import type { Link } from '../../shared/local/link.ts';
import type { Cut, Match, TcpProxy } from '../../shared/local/tcp-proxy.ts';
import { type Fault, type FaultTarget, type Heal, pick, repeat } from './fault.ts';
import type { FaultSystem } from './fault-system.ts';
import { disturb, PublicationStream, type RedisValue, ReplyChoice } from './publication-stream.ts';

/** Each byte needs 100 ms in each direction, so a round trip takes 200 ms. */
const SLOW = { delayMs: 100, bytesPerSecond: 125_000 };
const CUT_EVERY_MS = 300;
const CUT_AT_REPLY_EVERY_MS = 1_000;
const ONE_IN_TEN = 10;
const STOPPED_READERS = 20;

export type LinkName =
  | 'gateway producer'
  | 'gateway subscriber'
  | 'gateway pool'
  | 'worker consumer'
  | 'worker blocking'
  | 'worker producer'
  | 'worker pool';

interface LinkGroup {
  process: 'gateway' | 'workers';
  server: 'postgres' | 'redis';
  match: Match;
}

/** The seven kinds of connection. Versions without names of connections show only some kinds by their commands. */
export const LINK_GROUPS: Record<LinkName, LinkGroup> = {
  'gateway producer': { process: 'gateway', server: 'redis', match: ({ kind }) => kind !== 'subscriber' },
  'gateway subscriber': { process: 'gateway', server: 'redis', match: ({ kind }) => kind === 'subscriber' },
  'gateway pool': { process: 'gateway', server: 'postgres', match: () => true },
  'worker consumer': { process: 'workers', server: 'redis', match: ({ kind }) => !kind || kind === 'consumer' },
  'worker blocking': { process: 'workers', server: 'redis', match: ({ kind }) => kind === 'blocking' },
  'worker producer': { process: 'workers', server: 'redis', match: ({ kind }) => kind === 'producer' },
  'worker pool': { process: 'workers', server: 'postgres', match: () => true },
};

/** Cuts one kind of connection in all processes. New connections that are deaf work again at the end of the fault. */
export const cutLinks =
  (name: LinkName, way: Cut): Fault =>
  ({ system }) => {
    const { process, server, match } = LINK_GROUPS[name];
    const proxies = system.linksOf(process).map((links) => links[server]);
    const cut = proxies.reduce((sum, proxy) => sum + proxy.cut(way, match), 0);
    if (cut === 0) throw new Error(`no link of the kind ${name} is open`);
    return () => healAll(proxies);
  };

function healAll(proxies: TcpProxy[]): void {
  for (const proxy of proxies) proxy.heal();
}

function allProxies({ system }: FaultTarget): TcpProxy[] {
  return system.cluster.links.flatMap(({ postgres, redis, clients }) => [
    postgres,
    redis,
    ...(clients ? [clients] : []),
  ]);
}

export const slowAllLinks: Fault = (target) => {
  const proxies = allProxies(target);
  for (const proxy of proxies) proxy.pace = SLOW;
  return () => healAll(proxies);
};

/** One link in ten ends at a random moment, also those of clients. */
export const cutAtRandom: Fault = (target) =>
  repeat(CUT_EVERY_MS, () => {
    const way = pick(['rst', 'fin'] as const, target.random);
    for (const proxy of allProxies(target)) proxy.cut(way, () => target.random(ONE_IN_TEN) === 0);
  });

/** Of the publications that gateways get, 5 % are dropped, doubled or swapped with the next one. */
export const disturbPublications: Fault = ({ system, random }) =>
  changePublications(system, (values) => disturb(values, random));

/** Each second reply to a gateway is lost. The reply to the copy that the gateway then sends arrives. */
export const loseReplies: Fault = ({ system }) => {
  const chosen = new ReplyChoice();
  return changePublications(system, (values) =>
    Buffer.concat(values.filter((value) => !chosen.has(value)).map(({ bytes }) => bytes)),
  );
};

/** A subscriber is cut in the moment in which a reply arrives, at most once in {@link CUT_AT_REPLY_EVERY_MS}. */
export const cutAtReplies: Fault = ({ system }) => {
  const chosen = new ReplyChoice();
  let nextAtMs = 0;
  return changePublications(system, (values, link) => {
    if (performance.now() < nextAtMs || !values.some((value) => chosen.has(value)))
      return Buffer.concat(values.map(({ bytes }) => bytes));
    nextAtMs = performance.now() + CUT_AT_REPLY_EVERY_MS;
    link.end('rst');
    return undefined;
  });
};

/** Passes what the subscribers of all gateways get through `change`. */
function changePublications(
  system: FaultSystem,
  change: (values: RedisValue[], link: Link) => Buffer | undefined,
): Heal {
  const proxies = system.linksOf('gateway').map(({ redis }) => redis);
  const streams = new WeakMap<Link, PublicationStream>();
  for (const proxy of proxies)
    proxy.onReply = (bytes, link) => {
      if (link.kind !== 'subscriber') return bytes;
      const stream = streams.get(link) ?? new PublicationStream();
      streams.set(link, stream);
      return change(stream.read(bytes), link);
    };
  return () => healAll(proxies);
}

/** One client in twenty stops reading from its socket. */
export const stopReaders: Fault = ({ participants, random }) => {
  const first = random(STOPPED_READERS);
  const stopped = participants.filter((_, index) => index % STOPPED_READERS === first);
  for (const participant of stopped) participant.pauseReading();
  return () => {
    for (const participant of stopped) participant.resumeReading();
  };
};
