import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { QUEUES, type QueueName } from '../contract/jobs.ts';
import { type Child, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { isReady } from './readiness.ts';
import { TcpProxy } from './tcp-proxy.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** All requests of tests and benchmarks come from one IP address, so the limits per IP address must be high. */
export const HIGH_LIMITS = parseEnv(readFileSync(join(root, 'bench/load.env'), 'utf8')) as Record<string, string>;

/** How a reverse proxy answers while its gateway does not run. So clients know that their request was not done. */
const BAD_GATEWAY_BODY = '{"code":"unavailable"}';
const BAD_GATEWAY = [
  'HTTP/1.1 502 Bad Gateway',
  'content-type: application/json',
  `content-length: ${BAD_GATEWAY_BODY.length}`,
  'connection: close',
  '',
  BAD_GATEWAY_BODY,
].join('\r\n');

export interface ClusterOptions {
  /** The database must be migrated. */
  databaseUrl: string;
  redisUrl: string;
  /** The folder for the log files. Each process has its own file. */
  logs: string;
  gateways: number;
  workers: number;
  /** True if all gateways listen on one port. Otherwise each gateway has its own port. */
  sharePort?: boolean;
  /** The port of a mail server on 127.0.0.1. Without it, no worker mails one-time passwords. */
  smtpPort?: number | undefined;
  /** Further variables for all processes. */
  env?: Record<string, string>;
  /** True if each gateway offers its metrics: see {@link Cluster.metricsUrls}. */
  gatewayMetrics?: boolean | undefined;
  /** The folder of another checkout of Rooms, whose gateways and workers run. Default: this checkout. */
  checkout?: string | undefined;
  /** True if every connection of every process goes through a proxy: see {@link Cluster.links}. */
  proxyLinks?: boolean;
}

/** The proxies of one process. */
export interface ProcessLinks {
  process: Child;
  postgres: TcpProxy;
  redis: TcpProxy;
  /** Gateways only: between the clients and the gateway. */
  clients: TcpProxy | undefined;
}

/** Gateways and workers for tests and benchmarks. Each of them is a process. */
export class Cluster {
  readonly secret: string;
  readonly prefix = `rooms-${randomBytes(6).toString('hex')}`;
  /** The URL of each gateway, without a slash at the end. */
  readonly urls: string[] = [];
  readonly gateways: Child[] = [];
  /** With `gatewayMetrics`, the URL of the metrics of each gateway. */
  readonly metricsUrls: string[] = [];
  readonly workers: Child[] = [];
  /** With `proxyLinks`, the proxies of each running process. */
  readonly links: ProcessLinks[] = [];
  readonly #options: ClusterOptions;
  #queues: readonly QueueName[] = QUEUES;
  readonly #clientProxies = new Map<number, TcpProxy>();
  #processCount = 0;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.secret = options.env?.API_SECRET ?? randomBytes(32).toString('hex');
  }

  /** Resolves when every gateway is ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    if (options.checkout) cluster.#queues = (await import(join(options.checkout, 'shared/contract/jobs.ts'))).QUEUES;
    mkdirSync(options.logs, { recursive: true });
    const sharedPort = options.sharePort ? await freePort() : undefined;
    for (let index = 0; index < options.workers; index++) await cluster.startWorker();
    // The gateways start side by side: each of them takes a second until it is ready.
    const starts: { ownUrl: string; gateway: Child }[] = [];
    for (let index = 0; index < options.gateways; index++) starts.push(await cluster.#launchGateway(sharedPort));
    await Promise.all(starts.map(({ ownUrl, gateway }) => cluster.#waitUntilReady(ownUrl, gateway)));
    return cluster;
  }

  /** @param kinds the queues whose jobs the worker takes. Default: all, but `otp-email` only with a mail server */
  async startWorker(kinds: QueueName[] = [], env: Record<string, string> = {}): Promise<Child> {
    const { smtpPort } = this.#options;
    const possibleKinds = smtpPort ? this.#queues : this.#queues.filter((kind) => kind !== 'otp-email');
    const mailEnv = { SMTP_HOST: smtpPort ? '127.0.0.1' : '', SMTP_PORT: `${smtpPort ?? ''}` };
    const args = kinds.length > 0 ? kinds : [...possibleKinds];
    const worker = await this.#startProcess('workers', { ...mailEnv, ...env }, { args });
    this.workers.push(worker);
    return worker;
  }

  /**
   * @param port with `proxyLinks`: of the proxy that clients connect to. A new gateway can have the port of an old one.
   * @param descriptors the largest number of file descriptors of the gateway. Default: that of this process
   * @param env variables of this gateway
   * @returns the URL, when the gateway is ready
   * @throws Error with the log of the gateway if it ends before that
   */
  async startGateway(port?: number, descriptors?: number, env: Record<string, string> = {}): Promise<string> {
    const { url, ownUrl, gateway } = await this.#launchGateway(port, descriptors, env);
    await this.#waitUntilReady(ownUrl, gateway);
    return url;
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await Promise.all([...this.#clientProxies.values()].map((proxy) => proxy.close()));
  }

  /** @returns the whole log of the process */
  logOf(child: Child): string {
    return readFileSync(join(this.#options.logs, `${child.name}.log`), 'utf8');
  }

  async #launchGateway(
    port?: number,
    descriptors?: number,
    env: Record<string, string> = {},
  ): Promise<{ url: string; ownUrl: string; gateway: Child }> {
    const { proxyLinks, sharePort, gatewayMetrics } = this.#options;
    const ownPort = (!proxyLinks && port) || (await freePort());
    const ownUrl = `http://127.0.0.1:${ownPort}`;
    const clients = proxyLinks ? await this.#proxyClients(ownUrl, port) : undefined;
    const url = clients?.url ?? ownUrl;
    const launcher = descriptors ? ['prlimit', `--nofile=${descriptors}`] : [];
    const metricsPort = gatewayMetrics ? await freePort() : '';
    if (metricsPort) this.metricsUrls.push(`http://127.0.0.1:${metricsPort}/metrics`);
    const gatewayEnv = { PORT: `${ownPort}`, HOST: '127.0.0.1', METRICS_PORT: `${metricsPort}`, ...env };
    const gateway = await this.#startProcess('gateway', gatewayEnv, { launcher, clients });
    this.gateways.push(gateway);
    if (sharePort || !this.urls.includes(url)) this.urls.push(url);
    return { url, ownUrl, gateway };
  }

  async #startProcess(
    kind: 'gateway' | 'workers',
    processEnv: Record<string, string>,
    { args = [], launcher = [], clients }: { args?: string[]; launcher?: string[]; clients?: TcpProxy | undefined },
  ): Promise<Child> {
    const { databaseUrl, redisUrl, logs, env, checkout = root, proxyLinks } = this.#options;
    const name = `${kind}-${++this.#processCount}`;
    const proxies = proxyLinks ? await openProxies(databaseUrl, redisUrl) : undefined;
    const child = startChild({
      name,
      command: [...launcher, process.execPath, join(checkout, kind, 'main.ts'), ...args],
      env: {
        DATABASE_URL: proxies?.postgres.url ?? databaseUrl,
        REDIS_URL: proxies?.redis.url ?? redisUrl,
        REDIS_PREFIX: this.prefix,
        API_SECRET: this.secret,
        ...HIGH_LIMITS,
        ...processEnv,
        ...env,
      },
      output: join(logs, `${name}.log`),
    });
    if (proxies) this.#keepLinks({ process: child, ...proxies, clients });
    return child;
  }

  async #proxyClients(gatewayUrl: string, port = 0): Promise<TcpProxy> {
    const existing = this.#clientProxies.get(port);
    if (existing) existing.target = gatewayUrl;
    const proxy = existing ?? (await TcpProxy.open(gatewayUrl, port));
    proxy.refusal = BAD_GATEWAY;
    this.#clientProxies.set(proxy.port, proxy);
    return proxy;
  }

  /** The proxies of a process close when it has ended, except the one for clients: the next gateway may use it. */
  #keepLinks(links: ProcessLinks): void {
    this.links.push(links);
    void links.process.ended.then(() => {
      this.links.splice(this.links.indexOf(links), 1);
      return Promise.all([links.postgres.close(), links.redis.close()]);
    });
  }

  async #waitUntilReady(url: string, gateway: Child): Promise<void> {
    let ending: string | undefined;
    void gateway.ended.then((reason) => {
      ending = reason;
    });
    while (!(await isReady(url))) {
      if (ending) throw new Error(`${gateway.name} ended (${ending}):\n${this.logOf(gateway)}`);
      await wait(25);
    }
  }
}

async function openProxies(databaseUrl: string, redisUrl: string): Promise<Pick<ProcessLinks, 'postgres' | 'redis'>> {
  return { postgres: await TcpProxy.open(databaseUrl), redis: await TcpProxy.open(redisUrl) };
}
