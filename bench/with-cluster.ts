import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { environment } from '../shared/config.ts';
import { connectDatabase, type Database } from '../shared/database.ts';
import { Cluster } from '../shared/local/cluster.ts';
import { migrate } from '../sql/migrate.ts';
import { type CpuSeconds, createCpuReader } from './cpu.ts';
import { withNewDatabase } from './new-database.ts';
import { Stages } from './stages.ts';
import { withServices } from './with-services.ts';

/** What every benchmark needs. */
export interface BenchOptions {
  databaseUrl: string;
  redisUrl: string;
  print: (line: string) => void;
  /** How many gateways run. Each benchmark has its own default. */
  gateways?: number | undefined;
  workers?: number | undefined;
  /** The folder of another checkout of Rooms, whose gateways and workers run. Default: this checkout. */
  checkout?: string | undefined;
  /** Prints how long messages stay in each stage, from the socket to the worker and back. */
  stages?: boolean;
}

export interface Size {
  gateways: number;
  workers: number;
  /** True if each gateway has its own port. Otherwise all gateways share one port. */
  ownPorts?: boolean;
  /** True if each gateway offers its metrics. */
  gatewayMetrics?: boolean;
  /** Variables for all processes. */
  env?: Record<string, string>;
}

/** A running system with an empty database. */
export interface System {
  /** The URL of the first gateway. */
  url: string;
  urls: string[];
  secret: string;
  cluster: Cluster;
  /** This connection can write, because it creates accounts. */
  database: Database;
  redisUrl: string;
  readCpu: () => CpuSeconds;
  print: (line: string) => void;
  /**
   * Starts a second system of the same kind beside this one. Both share only the machine, and the servers that
   * DATABASE_URL and REDIS_URL name. @returns what the benchmark returns
   */
  withNeighbor: <T>(benchmark: (neighbor: System) => Promise<T>) => Promise<T>;
}

/**
 * Migrates the database, starts gateways and workers, and stops them when the benchmark ends.
 * @param size the numbers of gateways and workers, if the options do not have them
 * @returns what the benchmark returns
 */
export async function withCluster<T>(
  { databaseUrl, redisUrl, print, ...options }: BenchOptions,
  size: Size,
  benchmark: (system: System) => Promise<T>,
): Promise<T> {
  const logs = mkdtempSync(join(tmpdir(), 'rooms-bench-logs-'));
  const { gateways = size.gateways, workers = size.workers, checkout } = options;
  await (checkout ? migrateAs(checkout, databaseUrl) : migrate(databaseUrl));
  const sharePort = !size.ownPorts;
  const stages = options.stages ? new Stages() : undefined;
  const env = { ...size.env, ...stages?.env };
  const { gatewayMetrics } = size;
  const cluster = await Cluster.start({
    ...{ databaseUrl, redisUrl, logs, gateways, workers, sharePort, gatewayMetrics, checkout, env },
  });
  const database = connectDatabase(databaseUrl, { name: 'rooms-bench', max: 2, readOnly: false, timeout: 0 });
  try {
    const readCpu = await createCpuReader(cluster, database, redisUrl);
    const { urls, secret } = cluster;
    const withNeighbor: System['withNeighbor'] = (each) =>
      withServices(print, (services) =>
        withNewDatabase({ ...services, print, gateways, workers, checkout }, (own) => withCluster(own, size, each)),
      );
    return await benchmark({
      ...{ url: urls[0] as string, urls, secret, cluster, database, redisUrl, readCpu, print, withNeighbor },
    });
  } finally {
    await cluster.stop();
    for (const line of stages?.readTable() ?? []) print(line);
    await database.end();
    rmSync(logs, { recursive: true });
  }
}

/** Another checkout can have other SQL files, so its own program applies them. */
async function migrateAs(checkout: string, databaseUrl: string): Promise<void> {
  const env = environment({ DATABASE_URL: databaseUrl });
  await promisify(execFile)(process.execPath, [join(checkout, 'sql/main.ts')], { env });
}
