import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectDatabase, type Database } from '../shared/database.ts';
import { Cluster } from '../shared/local/cluster.ts';
import { migrate } from '../sql/migrate.ts';

/** What every benchmark needs. */
export interface BenchOptions {
  databaseUrl: string;
  redisUrl: string;
  print: (line: string) => void;
}

export interface Size {
  /** All gateways share one port. */
  gateways: number;
  workers: number;
}

/**
 * Migrates the database, starts gateways and workers, and stops them when the benchmark ends.
 * @returns what the benchmark returns
 */
export async function withCluster<T>(
  { databaseUrl, redisUrl }: BenchOptions,
  size: Size,
  benchmark: (url: string, cluster: Cluster, database: Database) => Promise<T>,
): Promise<T> {
  const logs = mkdtempSync(join(tmpdir(), 'rooms-bench-logs-'));
  await migrate(databaseUrl);
  const cluster = await Cluster.start({ databaseUrl, redisUrl, logs, ...size, sharePort: true });
  const database = connectDatabase(databaseUrl, { name: 'rooms-bench', max: 2, readOnly: true, timeout: 0 });
  try {
    return await benchmark(cluster.urls[0] as string, cluster, database);
  } finally {
    await cluster.stop();
    await database.end();
    rmSync(logs, { recursive: true });
  }
}
