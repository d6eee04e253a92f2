import type { TemplatedApp } from 'uWebSockets.js';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Config } from '../shared/config.ts';
import { newId } from '../shared/contract/ids.ts';
import { QUEUES, type QueueName } from '../shared/contract/jobs.ts';
import { connectDatabase } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import type { Metrics } from '../shared/metrics.ts';
import { PayloadReader } from '../shared/payloads.ts';
import { connectRedis } from '../shared/redis.ts';
import { createOtps, type Otps } from './accounts/otp-check.ts';
import { createOtpRequests, type OtpRequests } from './accounts/otp-requests.ts';
import { Passwords } from './accounts/passwords.ts';
import { createTickets, type Tickets } from './accounts/tickets.ts';
import { createTokens, type Tokens } from './accounts/tokens.ts';
import { startClock } from './commands/database-clock.ts';
import { CommandDispatcher } from './commands/dispatcher.ts';
import { type AddressOf, readAddresses } from './edge/addresses.ts';
import { type Cors, createCors } from './edge/cors.ts';
import { Limits } from './edge/limits.ts';
import { LiveRooms } from './live/live-rooms.ts';
import { createReads, type Reads } from './reads/reads.ts';

const READ_CONNECTIONS = 8;

/** What the routes and the socket work with. */
export interface Gateway {
  config: GatewayConfig;
  /** Of the database. */
  epoch: string;
  addressOf: AddressOf;
  commands: CommandDispatcher;
  cors: Cors;
  limits: Limits;
  live: LiveRooms;
  otpRequests: OtpRequests;
  otps: Otps;
  passwords: Passwords;
  reads: Reads;
  tickets: Tickets;
  tokens: Tokens;
  /** @throws Error if Redis does not answer */
  pingRedis: () => Promise<unknown>;
  /** True from the moment in which this process was asked to stop. */
  stopping: boolean;
  log: Log;
  /** Ends all its connections. */
  close(): Promise<void>;
}

/** The variables of the environment that make a gateway. */
export const GATEWAY_VARIABLES = [
  'DATABASE_URL',
  'REDIS_URL',
  'REDIS_PREFIX',
  'API_SECRET',
  'TOKEN_HOUR_LIFESPAN',
  'ENVIRONMENT',
  'LANES',
  'CORS_ORIGIN',
  'TRUSTED_PROXIES',
  'WS_QUERY_TOKEN',
  'RATE_LIMIT',
  'RATE_WINDOW',
  'LOGIN_ATTEMPTS',
  'LOGIN_WINDOW',
  'SOCKET_RATE',
  'SOCKETS_PER_USER',
  'SOCKETS_PER_ADDRESS',
] as const;

type GatewayConfig = Config<(typeof GATEWAY_VARIABLES)[number]>;

/** Connects a gateway to Postgres and Redis. @param app whose topics it publishes on */
export async function openGateway(
  config: GatewayConfig,
  app: TemplatedApp,
  metrics: Metrics,
  log: Log,
): Promise<Gateway> {
  const id = newId();
  const use = { name: 'rooms-gateway', max: READ_CONNECTIONS, readOnly: true, timeout: 10_000 };
  const database = connectDatabase(config.DATABASE_URL, use);
  const redis = connectRedis(config.REDIS_URL, 'producer', log);
  const subscriberRedis = connectRedis(config.REDIS_URL, 'consumer', log, { autoResubscribe: false });
  const queues = openQueues(redis, config.REDIS_PREFIX, log);

  const passwords = await Passwords.start();
  const reads = createReads(database);
  const clock = await startClock(database, log);
  const commands = new CommandDispatcher({ gatewayId: id, lanes: config.LANES, queues, clock, log });
  const payloads = new PayloadReader(metrics, log);
  const prefix = config.REDIS_PREFIX;
  const publish = (topic: string, frame: string) => app.publish(topic, frame);
  const live = new LiveRooms({ redis, subscriberRedis, gatewayId: id, prefix, reads, publish, payloads, log });
  await live.subscribeToReplies((reply) => commands.complete(reply));

  return {
    config,
    epoch: await reads.epoch(),
    addressOf: readAddresses(config.TRUSTED_PROXIES),
    commands,
    cors: createCors(config),
    limits: new Limits(redis, config, log),
    live,
    otpRequests: createOtpRequests(queues['otp-email']),
    otps: createOtps(redis, config.REDIS_PREFIX, config.API_SECRET),
    passwords,
    reads,
    tickets: createTickets(redis, prefix, payloads),
    tokens: createTokens(config.API_SECRET, config.TOKEN_HOUR_LIFESPAN),
    pingRedis: () => redis.ping(),
    stopping: false,
    log,
    async close() {
      clock.stop();
      passwords.close();
      await live.close();
      await Promise.all(Object.values(queues).map((queue) => queue.close()));
      await Promise.all([database.end({ timeout: 5 }), redis.quit()]);
    },
  };
}

function openQueues(connection: Redis, prefix: string, log: Log): Record<QueueName, Queue> {
  const queues = QUEUES.map((name): [QueueName, Queue] => {
    const queue = new Queue(name, { connection, prefix });
    queue.on('error', (error) => log.debug({ error, queue: name }, 'queue'));
    return [name, queue];
  });
  return Object.fromEntries(queues) as Record<QueueName, Queue>;
}
