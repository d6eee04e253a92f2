import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from './log.ts';

const PING_EVERY_MS = 1_000;
/**
 * A connection on which a command waits and no byte arrives for this time is replaced. This is longer than a worker of
 * BullMQ blocks its connection (workers/queue-worker.ts), with the second that BullMQ adds to it.
 */
const SILENCE_LIMIT_MS = 4_000;

/** The options of each kind of connection. */
const kinds = {
  producer: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 2_000 },
  consumer: { maxRetriesPerRequest: null },
  subscriber: { maxRetriesPerRequest: null, autoResubscribe: false },
} satisfies Record<string, RedisOptions>;

/**
 * Connects to Redis. A lost connection is opened again automatically, also if Redis accepts it and then stays silent.
 * Each loss is logged once.
 * @param kind `producer`: a command fails immediately if the connection is lost, and after 2 seconds without an answer.
 * `consumer`: a command waits until the connection is open again. The workers of BullMQ need this.
 * `subscriber`: the same, for a `Subscriber`, which sends its own pings.
 * @param owner the beginning of the name in the list of Redis (`client list`), before the kind
 */
export function connectRedis(url: string, kind: keyof typeof kinds, owner: string, log: Log): Redis {
  const redis = new Redis(url, {
    connectionName: `${owner}-${kind}`,
    connectTimeout: 5_000,
    // The limit begins with the first command that waits, also with those that ioredis sends to open the connection.
    socketTimeout: SILENCE_LIMIT_MS,
    disconnectTimeout: 500,
    retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
    ...kinds[kind],
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
  if (kind !== 'subscriber') sendPings(redis);
  return redis;
}

/** Without a waiting command, ioredis does not notice that a connection is silent. */
function sendPings(redis: Redis): void {
  let isWaiting = false;
  const ping = async () => {
    if (isWaiting || redis.status !== 'ready') return;
    isWaiting = true;
    // A ping that fails needs no further step: ioredis replaces the connection.
    await redis.ping().catch(() => undefined);
    isWaiting = false;
  };
  const timer = setInterval(() => void ping(), PING_EVERY_MS).unref();
  redis.once('end', () => clearInterval(timer));
}
