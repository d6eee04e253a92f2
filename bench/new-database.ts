import { randomBytes } from 'node:crypto';
import { connectDatabase } from '../shared/database.ts';

/** Runs a benchmark with a database of its own, so that each run begins without rows. Drops the database at the end. */
export async function withNewDatabase<Options extends { databaseUrl: string }, T>(
  options: Options,
  run: (options: Options) => Promise<T>,
): Promise<T> {
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
