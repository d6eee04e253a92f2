import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Services, startServices, stopChildren } from '../shared/local/services.ts';

const root = dirname(import.meta.dirname);

/** The folder for programs that are downloaded or built. */
export const binaries = join(resolve(process.env.ROOMS_HOME || join(root, '.rooms')), 'bin');

/** Starts Postgres and Redis, unless DATABASE_URL and REDIS_URL name them. @returns what `work` returns */
export async function withServices<T>(
  print: (line: string) => void,
  work: (services: Services) => Promise<T>,
): Promise<T> {
  const home = mkdtempSync(join(tmpdir(), 'rooms-bench-'));
  const services = await startServices({
    home,
    binaries,
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    print,
  });
  try {
    return await work(services);
  } finally {
    await stopChildren(services.children);
    rmSync(home, { recursive: true, force: true });
  }
}
