import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

const uses = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 },
  consumer: { maxRetriesPerRequest: null },
} satisfies Record<string, RedisOptions>;

/**
 * Connects to Redis. The connection reconnects by itself, and logs each loss once.
 * @param use `producer`: a command fails at once without a connection, and after 2 seconds without an answer.
 * `consumer`: a command waits until Redis is connected again. The workers of BullMQ and the subscribers need this.
 */
export function connectRedis(
  url: string,
  use: keyof typeof uses,
  log: Log,
  options: { autoResubscribe?: boolean } = {},
): Redis {
  const redis = new Redis(url, {
    connectTimeout: 5_000,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    ...uses[use],
    ...options,
  });
  let isLost = false;
  redis.on('error', (error) => {
    if (!isLost) log.warn({ error: error.message, use }, 'redis connection lost');
    isLost = true;
  });
  redis.on('ready', () => {
    if (isLost) log.info({ use }, 'redis connection restored');
    isLost = false;
  });
  return redis;
}
