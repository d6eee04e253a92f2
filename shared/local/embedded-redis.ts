import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startChild } from './child.ts';
import type { Service } from './embedded-postgres.ts';
import { Failure } from './failure.ts';
import { freePort } from './ports.ts';
import { findRedisServer } from './redis-server.ts';

/**
 * Starts a Redis of our own on a free port of 127.0.0.1; its data (queued jobs) stays in the folder.
 * @param binaries where a fetched redis-server is kept
 */
export async function startRedis(folder: string, binaries: string, password: string): Promise<Service> {
  const server = await findRedisServer(binaries);
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const log = join(folder, 'redis.log');
  writeFileSync(join(folder, 'redis.conf'), settings(port, password), { mode: 0o600 });
  const child = startChild({
    name: 'redis',
    command: [server.command, 'redis.conf'],
    env: server.env,
    cwd: folder,
    output: log,
  });
  const url = `redis://:${password}@127.0.0.1:${port}/0`;
  const answers = answersPing(url);
  const gone = await Promise.race([answers, child.ended]);
  if (gone) throw new Failure('redis', `it ended at once (${gone}):\n${readFileSync(log, 'utf8').slice(-500)}`);
  return { url, child };
}

/** @throws Failure if nothing answers there within five seconds */
export async function checkRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 5_000, retryStrategy: () => null });
  let reason = 'it does not answer';
  redis.on('error', ({ message }) => {
    reason = message;
  });
  const silence = setTimeout(() => redis.disconnect(), 5_000);
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw new Failure('redis', `REDIS_URL is set, but ${reason || (error as Error).message}`);
  } finally {
    clearTimeout(silence);
    redis.disconnect();
  }
}

function settings(port: number, password: string): string {
  return `port ${port}
bind 127.0.0.1
requirepass ${password}
appendonly yes
save ""
maxmemory-policy noeviction
`;
}

async function answersPing(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 50 });
  redis.on('error', () => undefined);
  // It may load its data first; it answers LOADING until then.
  while ((await redis.ping().catch(() => 'loading')) !== 'PONG') await wait(50);
  redis.disconnect();
}
