import { randomBytes } from 'node:crypto';
import { connectDatabase } from '../shared/database.ts';
import type { Result } from './measure.ts';
import type { BenchOptions } from './with-cluster.ts';

/** Runs a benchmark with a database of its own, so that each run begins without rows. Drops the database at the end. */
export async function withNewDatabase(
  options: BenchOptions,
  run: (options: BenchOptions) => Promise<Result>,
): Promise<Result> {
  const name = `rooms_bench_${randomBytes(6).toString('hex')}`;
  const server = connectDatabase(options.databaseUrl, { name: 'rooms-bench', max: 1, readOnly: false, timeout: 0 });
  await server`create database ${server(name)}`;
  try {
    const url = new URL(options.databaseUrl);
    url.pathname = `/${name}`;
    return await run({ ...options, databaseUrl: url.href });
  } finally {
    await server`drop database ${server(name)} with (force)`;
    await server.end();
  }
}
