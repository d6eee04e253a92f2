import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startChild } from './child.ts';
import type { Service } from './embedded-postgres.ts';
import { freePort } from './ports.ts';
import { findRedisServer } from './redis-server.ts';
import { makePrivateFolder } from './secrets.ts';
import { ServiceError } from './service-error.ts';

const CHECK_TIMEOUT_MS = 5_000;
const PING_AGAIN_AFTER_MS = 50;

/**
 * Starts a Redis on 127.0.0.1. Its data (the queued jobs) stays in the folder.
 * @param binaries the folder for a redis-server that is downloaded
 * @param port Default: a free port
 * @throws ServiceError if there is no redis-server, or if it ends while it starts
 */
export async function startRedis(folder: string, binaries: string, password: string, port = 0): Promise<Service> {
  const server = await findRedisServer(binaries);
  const [ownPort, log] = [port || (await freePort()), join(makePrivateFolder(folder), 'redis.log')];
  writeFileSync(join(folder, 'redis.conf'), configuration(ownPort, password), { mode: 0o600 });
  const child = startChild({
    name: 'redis',
    command: [server.command, 'redis.conf'],
    env: server.env,
    cwd: folder,
    output: log,
  });
  const url = `redis://:${password}@127.0.0.1:${ownPort}/0`;
  const ending = await Promise.race([waitUntilReady(url), child.ended]);
  if (ending)
    throw new ServiceError('redis', `it ended while it started (${ending}):\n${readFileSync(log, 'utf8').slice(-500)}`);
  return { url, child };
}

/** @throws ServiceError if no Redis answers at the URL within five seconds */
export async function checkRedis(url: string): Promise<void> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: CHECK_TIMEOUT_MS, retryStrategy: () => null });
  let reason = 'it does not answer';
  redis.on('error', ({ message }) => {
    reason = message;
  });
  // No option of ioredis covers a server that accepts the connection and then never answers.
  const timer = setTimeout(() => redis.disconnect(), CHECK_TIMEOUT_MS);
  try {
    await redis.connect();
    await redis.ping();
  } catch (error) {
    throw new ServiceError('redis', `REDIS_URL is set, but ${reason || (error as Error).message}`);
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

function configuration(port: number, password: string): string {
  return `port ${port}
bind 127.0.0.1
requirepass ${password}
appendonly yes
save ""
maxmemory-policy noeviction
`;
}

/** Waits for the answer PONG. While Redis loads its data, the answer is LOADING. */
async function waitUntilReady(url: string): Promise<void> {
  const retryStrategy = () => PING_AGAIN_AFTER_MS;
  const redis = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: null, retryStrategy });
  redis.on('error', () => undefined);
  while ((await redis.ping().catch(() => 'LOADING')) !== 'PONG') await wait(PING_AGAIN_AFTER_MS);
  redis.disconnect();
}
