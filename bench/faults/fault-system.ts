import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { environment } from '../../shared/config.ts';
import { connectDatabase, type Database } from '../../shared/database.ts';
import type { Child } from '../../shared/local/child.ts';
import { Cluster, type ProcessLinks } from '../../shared/local/cluster.ts';
import { startPostgres } from '../../shared/local/embedded-postgres.ts';
import { startRedis } from '../../shared/local/embedded-redis.ts';
import { migrate } from '../../sql/migrate.ts';
import { binaries } from '../with-services.ts';
import { FakeClock } from './fake-clock.ts';
import { sendSignal, signalTree } from './processes.ts';

const PASSWORD = 'password';

export interface FaultSystemOptions {
  gateways: number;
  workers: number;
  /** The folder of another checkout of Rooms, whose processes run. */
  checkout: string | undefined;
  /** True if the clock of all processes and of Postgres can be set: see {@link FaultSystem.clock}. */
  hasFakeClock: boolean;
}

/** Rooms with its own Postgres and Redis. Each connection of each process goes through a proxy. */
export class FaultSystem {
  readonly cluster: Cluster;
  readonly secret: string;
  /** Goes straight to Postgres, and can write. */
  readonly database: Database;
  /** Goes straight to Redis. */
  readonly redis: Redis;
  readonly clock: FakeClock | undefined;
  readonly #home: string;
  readonly #urls: { postgres: URL; redis: URL };
  #postgres: Child;
  #redisServer: Child;

  private constructor(
    home: string,
    cluster: Cluster,
    clock: FakeClock | undefined,
    services: Record<'postgres' | 'redis', { url: string; child: Child }>,
  ) {
    const { postgres, redis } = services;
    this.#home = home;
    this.cluster = cluster;
    this.clock = clock;
    this.secret = cluster.secret;
    this.#urls = { postgres: new URL(postgres.url), redis: new URL(redis.url) };
    [this.#postgres, this.#redisServer] = [postgres.child, redis.child];
    this.database = connectDatabase(postgres.url, { name: 'rooms-faults', max: 4, readOnly: false, timeout: 0 });
    this.redis = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    // Faults break this connection too. It opens again.
    this.redis.on('error', () => undefined);
  }

  static async start({ gateways, workers, checkout, hasFakeClock }: FaultSystemOptions): Promise<FaultSystem> {
    const home = mkdtempSync(join(tmpdir(), 'rooms-faults-'));
    const folder = (name: string) => {
      mkdirSync(join(home, name));
      return join(home, name);
    };
    const clock = hasFakeClock ? new FakeClock(home) : undefined;
    const [postgres, redis] = await Promise.all([
      startPostgres(folder('postgres'), PASSWORD, 0, clock?.env),
      startRedis(folder('redis'), binaries, PASSWORD),
    ]);
    await (checkout ? migrateAs(checkout, postgres.url) : migrate(postgres.url));
    const urls = { databaseUrl: postgres.url, redisUrl: redis.url };
    const cluster = await Cluster.start({
      ...urls,
      logs: join(home, 'logs'),
      gateways,
      workers,
      checkout,
      proxyLinks: true,
      env: clock?.env ?? {},
    });
    return new FaultSystem(home, cluster, clock, { postgres, redis });
  }

  get url(): string {
    return this.cluster.urls[0] as string;
  }

  get urls(): string[] {
    return this.cluster.urls;
  }

  get postgres(): Child {
    return this.#postgres;
  }

  get redisServer(): Child {
    return this.#redisServer;
  }

  /** The proxies of all running processes of a kind. */
  linksOf(kind: 'gateway' | 'workers'): ProcessLinks[] {
    return this.cluster.links.filter(({ process }) => process.name.startsWith(kind));
  }

  /** Starts Postgres again, at the same port and with the same data, after it has ended. */
  async startPostgresAgain(): Promise<void> {
    await this.#postgres.ended;
    const port = Number(this.#urls.postgres.port);
    this.#postgres = (await startPostgres(join(this.#home, 'postgres'), PASSWORD, port, this.clock?.env)).child;
  }

  /** Keeps what Postgres has at this moment. It is stopped meanwhile, so the copy is what a lost power supply leaves. */
  async copyPostgres(): Promise<void> {
    const { pid } = this.#postgres;
    // First the process that starts the others.
    sendSignal(pid, 'SIGSTOP');
    signalTree(pid, 'SIGSTOP');
    try {
      await promisify(execFile)('cp', ['-a', this.#data, this.#dataCopy]);
    } finally {
      signalTree(pid, 'SIGCONT');
    }
  }

  /** Postgres ends at once, and starts again with what {@link copyPostgres} kept. */
  async restorePostgres(): Promise<void> {
    sendSignal(this.#postgres.pid, 'SIGQUIT');
    await this.#postgres.ended;
    renameSync(this.#data, `${this.#data}-lost`);
    renameSync(this.#dataCopy, this.#data);
    rmSync(join(this.#data, 'postmaster.pid'));
    await this.startPostgresAgain();
  }

  get #data(): string {
    return join(this.#home, 'postgres', 'data');
  }

  get #dataCopy(): string {
    return join(this.#home, 'postgres', 'data-copy');
  }

  /** Starts Redis again, at the same port, after it has ended. @param isEmpty without its data */
  async startRedisAgain(isEmpty: boolean): Promise<void> {
    await this.#redisServer.ended;
    const folder = join(this.#home, 'redis');
    if (isEmpty) rmSync(join(folder, 'appendonlydir'), { recursive: true, force: true });
    this.#redisServer = (await startRedis(folder, binaries, PASSWORD, Number(this.#urls.redis.port))).child;
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    this.redis.disconnect();
    await this.database.end({ timeout: 1 });
    await Promise.all([this.#postgres.stop(), this.#redisServer.stop()]);
    rmSync(this.#home, { recursive: true, force: true });
  }
}

/** Another checkout can have other SQL files, so its own program applies them. */
async function migrateAs(checkout: string, databaseUrl: string): Promise<void> {
  const env = environment({ DATABASE_URL: databaseUrl });
  await promisify(execFile)(process.execPath, [join(checkout, 'sql/main.ts')], { env });
}
