import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

/** The options of each kind of connection. */
const kinds = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 },
  consumer: { maxRetriesPerRequest: null },
} satisfies Record<string, RedisOptions>;

/**
 * Connects to Redis. A lost connection is opened again automatically. Each loss is logged once.
 * @param kind `producer`: a command fails immediately if the connection is lost, and after 2 seconds without an answer.
 * `consumer`: a command waits until the connection is open again. The workers of BullMQ and the subscribers need this.
 */
export function connectRedis(
  url: string,
  kind: keyof typeof kinds,
  log: Log,
  options: { autoResubscribe?: boolean } = {},
): Redis {
  const redis = new Redis(url, {
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    ...kinds[kind],
    ...options,
  });
  let isLost = false;
  redis.on('error', (error) => {
    if (!isLost) log.warn({ error: error.message, kind }, 'redis connection lost');
    isLost = true;
  });
  redis.on('ready', () => {
    if (isLost) log.info({ kind }, 'redis connection restored');
    isLost = false;
  });
  return redis;
}
