import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { QUEUES, type QueueName } from '../contract/jobs.ts';
import { type Child, startChild } from './child.ts';
import { freePort } from './ports.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface ClusterOptions {
  databaseUrl: string;
  redisUrl: string;
  /** Where the logs of its processes go. */
  logs: string;
  gateways: number;
  workers: number;
  /** One port for all gateways; otherwise each has its own. */
  onePort?: boolean;
  /** Port of a mail server on 127.0.0.1; without one nobody mails one-time passwords. */
  smtpPort?: number | undefined;
  env?: Record<string, string>;
}

/** So that a load from one address, as all of it is here, is not held up. */
const WITHOUT_LIMITS = {
  RATE_LIMIT: '1000000',
  LOGIN_ATTEMPTS: '1000',
  SOCKET_RATE: '1000000',
  SOCKETS_PER_USER: '1000000',
  SOCKETS_PER_ADDRESS: '1000000',
};

/** Gateways and workers as real processes, on a migrated database. */
export class Cluster {
  readonly secret: string;
  readonly prefix = `rooms-${randomBytes(6).toString('hex')}`;
  /** Of each gateway, without a slash at the end. */
  readonly urls: string[] = [];
  readonly gateways: Child[] = [];
  readonly workers: Child[] = [];
  readonly #options: ClusterOptions;
  #started = 0;

  private constructor(options: ClusterOptions) {
    this.#options = options;
    this.secret = options.env?.API_SECRET ?? randomBytes(32).toString('hex');
  }

  /** Resolves when every gateway is ready. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    mkdirSync(options.logs, { recursive: true });
    const shared = options.onePort ? await freePort() : undefined;
    for (let index = 0; index < options.workers; index++) cluster.startWorker();
    for (let index = 0; index < options.gateways; index++) await cluster.startGateway(shared);
    return cluster;
  }

  /** @param kinds all, if none is named; mails only where there is a mail server */
  startWorker(kinds: QueueName[] = [], env: Record<string, string> = {}): Child {
    const { smtpPort } = this.#options;
    const able = smtpPort ? QUEUES : QUEUES.filter((kind) => kind !== 'otp-email');
    const mail = { SMTP_HOST: smtpPort ? '127.0.0.1' : '', SMTP_PORT: `${smtpPort ?? ''}` };
    const worker = this.#startProcess('workers', { ...mail, ...env }, kinds.length > 0 ? kinds : [...able]);
    this.workers.push(worker);
    return worker;
  }

  /** @returns its URL, when it is ready */
  async startGateway(port?: number): Promise<string> {
    const own = port ?? (await freePort());
    const gateway = this.#startProcess('gateway', { PORT: String(own), HOST: '127.0.0.1' });
    this.gateways.push(gateway);
    const url = `http://127.0.0.1:${own}`;
    this.urls.push(url);
    await Promise.race([this.#ready(url, gateway), gateway.ended.then((how) => this.#complain(gateway, how))]);
    return url;
  }

  async stop(): Promise<void> {
    await Promise.all(this.gateways.map((gateway) => gateway.stop()));
    await Promise.all(this.workers.map((worker) => worker.stop()));
  }

  /** What a process has logged. */
  logOf(child: Child): string {
    return readFileSync(join(this.#options.logs, `${child.name}.log`), 'utf8');
  }

  #startProcess(kind: 'gateway' | 'workers', own: Record<string, string>, words: string[] = []): Child {
    const { databaseUrl, redisUrl, logs, env } = this.#options;
    const name = `${kind}-${++this.#started}`;
    return startChild({
      name,
      command: [process.execPath, join(root, kind, 'main.ts'), ...words],
      env: {
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        REDIS_PREFIX: this.prefix,
        API_SECRET: this.secret,
        ...WITHOUT_LIMITS,
        ...own,
        ...env,
      },
      output: join(logs, `${name}.log`),
    });
  }

  async #ready(url: string, gateway: Child): Promise<void> {
    let ended = false;
    void gateway.ended.then(() => {
      ended = true;
    });
    while (!ended && !(await fetch(`${url}/readyz`).catch(() => undefined))?.ok) await wait(25);
  }

  #complain(gateway: Child, how: string): never {
    throw new Error(`${gateway.name} ended (${how}):\n${this.logOf(gateway)}`);
  }
}
