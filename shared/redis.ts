import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

/**
 * A connection to Redis for one use; it reconnects by itself, and says so in the log once for each loss.
 * - `producer`: a command fails at once while Redis is away, and after 2 s without an answer
 * - `consumer`: commands wait for the reconnection (BullMQ's workers and subscribers want that)
 */
export function connectRedis(url: string, use: 'producer' | 'consumer', log: Log, options: RedisOptions = {}): Redis {
  const redis = new Redis(url, {
    connectTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    ...(use === 'producer'
      ? { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 }
      : { maxRetriesPerRequest: null }),
    ...options,
  });
  let away = false;
  redis.on('error', (error) => {
    if (!away) log.warn({ error: error.message, use }, 'redis is away');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info({ use }, 'redis is back');
    away = false;
  });
  return redis;
}
