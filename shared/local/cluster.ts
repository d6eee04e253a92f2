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

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** All requests of tests and benchmarks come from one IP address, so the limits per IP address must be high. */
export const HIGH_LIMITS = parseEnv(readFileSync(join(root, 'bench/load.env'), 'utf8')) as Record<string, string>;

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
  /** The folder of another checkout of Rooms, whose gateways and workers run. Default: this checkout. */
  checkout?: string | undefined;
}

/** Gateways and workers for tests and benchmarks. Each of them is a process. */
export class Cluster {
  readonly secret: string;
  readonly prefix = `rooms-${randomBytes(6).toString('hex')}`;
  /** The URL of each gateway, without a slash at the end. */
  readonly urls: string[] = [];
  readonly gateways: Child[] = [];
  readonly workers: Child[] = [];
  readonly #options: ClusterOptions;
  #queues: readonly QueueName[] = QUEUES;
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
    for (let index = 0; index < options.workers; index++) cluster.startWorker();
    for (let index = 0; index < options.gateways; index++) await cluster.startGateway(sharedPort);
    return cluster;
  }

  /** @param kinds the queues whose jobs the worker takes. Default: all, but `otp-email` only with a mail server */
  startWorker(kinds: QueueName[] = [], env: Record<string, string> = {}): Child {
    const { smtpPort } = this.#options;
    const possibleKinds = smtpPort ? this.#queues : this.#queues.filter((kind) => kind !== 'otp-email');
    const mailEnv = { SMTP_HOST: smtpPort ? '127.0.0.1' : '', SMTP_PORT: `${smtpPort ?? ''}` };
    const worker = this.#startProcess('workers', { ...mailEnv, ...env }, kinds.length > 0 ? kinds : [...possibleKinds]);
    this.workers.push(worker);
    return worker;
  }

  /**
   * @param descriptors the largest number of file descriptors of the gateway. Default: that of this process
   * @returns the URL, when the gateway is ready
   * @throws Error with the log of the gateway if it ends before that
   */
  async startGateway(port?: number, descriptors?: number): Promise<string> {
    const gatewayPort = port ?? (await freePort());
    const limit = descriptors ? ['prlimit', `--nofile=${descriptors}`] : [];
    const gateway = this.#startProcess('gateway', { PORT: String(gatewayPort), HOST: '127.0.0.1' }, [], limit);
    this.gateways.push(gateway);
    const url = `http://127.0.0.1:${gatewayPort}`;
    this.urls.push(url);
    await this.#waitUntilReady(url, gateway);
    return url;
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  /** @returns the whole log of the process */
  logOf(child: Child): string {
    return readFileSync(join(this.#options.logs, `${child.name}.log`), 'utf8');
  }

  #startProcess(
    kind: 'gateway' | 'workers',
    processEnv: Record<string, string>,
    args: string[] = [],
    launcher: string[] = [],
  ): Child {
    const { databaseUrl, redisUrl, logs, env, checkout = root } = this.#options;
    const name = `${kind}-${++this.#processCount}`;
    return startChild({
      name,
      command: [...launcher, process.execPath, join(checkout, kind, 'main.ts'), ...args],
      env: {
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        REDIS_PREFIX: this.prefix,
        API_SECRET: this.secret,
        ...HIGH_LIMITS,
        ...processEnv,
        ...env,
      },
      output: join(logs, `${name}.log`),
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
