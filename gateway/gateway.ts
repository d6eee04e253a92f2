import uWS, { type TemplatedApp, type us_listen_socket } from 'uWebSockets.js';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { newId } from '../shared/contract/ids.ts';
import { QUEUES, type QueueName } from '../shared/contract/jobs.ts';
import { limits } from '../shared/contract/limits.ts';
import { connectDatabase } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics } from '../shared/metrics.ts';
import { PayloadReader } from '../shared/payloads.ts';
import { connectRedis } from '../shared/redis.ts';
import { createOtpCheck } from './accounts/otp-check.ts';
import { createOtpRequests } from './accounts/otp-requests.ts';
import { Passwords } from './accounts/passwords.ts';
import { createTickets } from './accounts/tickets.ts';
import { createTokens } from './accounts/tokens.ts';
import { routes, socketSettings } from './app.ts';
import { startClock } from './commands/database-clock.ts';
import { CommandDispatcher } from './commands/dispatcher.ts';
import { ReadMarks } from './commands/read-marks.ts';
import { createAddressOf, createPeerOf } from './edge/addresses.ts';
import { createCors } from './edge/cors.ts';
import type { GatewayConfig, GatewayContext } from './edge/gateway-context.ts';
import { OpenConnections } from './edge/open-connections.ts';
import { RateLimits } from './edge/rate-limits.ts';
import { Readiness } from './edge/readiness.ts';
import { UserRates } from './edge/user-rates.ts';
import { HttpServer } from './http/http-server.ts';
import { Epoch } from './live/epoch.ts';
import { LiveRooms } from './live/live-rooms.ts';
import { createReads } from './reads/reads.ts';
import { MAX_STATEMENT_WAIT_MS, STATEMENT_TIMEOUT_MS } from './reads/timeouts.ts';
import { UserTurns } from './reads/user-turns.ts';
import { SocketServer } from './sockets/socket-server.ts';

const READ_CONNECTIONS = 8;

/** A gateway with its connections. One process can have several gateways. */
export interface RunningGateway extends GatewayContext {
  /** @param port 0 means any free port. @returns the port. @throws Error if the gateway cannot listen there */
  listen(host: string, port: number): Promise<number>;
  /**
   * Takes no new connections, asks the clients of all sockets to move, and waits for pending outcomes and answers. Then
   * closes everything, after at most 10 seconds. A second call only waits for the first call.
   */
  stop(): Promise<void>;
  /** Closes the open sockets. See {@link SocketServer.closeAll}. */
  closeSockets: SocketServer['closeAll'];
}

/** Connects a gateway to Postgres and Redis. @throws Error if Postgres or Redis does not answer */
export async function openGateway(config: GatewayConfig, log: Log): Promise<RunningGateway> {
  const app = uWS.App();
  const { parts, close } = await openParts(config, app, log);
  parts.connections.register(app);
  const http = new HttpServer(app, parts);
  const sockets = new SocketServer(parts);
  parts.liveRooms.closeSockets = (name) => sockets.closeAll(name);
  sockets.register(app, socketSettings);
  http.register(routes);
  let listener: us_listen_socket | undefined;
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    parts.isStopping = true;
    if (listener) uWS.us_listen_socket_close(listener);
    await sockets.stop({
      pending: () => parts.dispatcher.pending + parts.readMarks.waiting + http.pending,
      refuseCommands: () => {
        parts.readMarks.close();
        parts.dispatcher.refuseNew();
      },
    });
    await close();
    app.close();
  };
  return Object.assign(parts, {
    async listen(host: string, port: number) {
      listener = await listen(app, host, port);
      return uWS.us_socket_local_port(listener);
    },
    stop: () => (stopped ??= stop()),
    closeSockets: sockets.closeAll.bind(sockets),
  });
}

/** Opens the parts in order. If one of them cannot be opened, closes the earlier ones. */
async function openParts(config: GatewayConfig, app: TemplatedApp, log: Log) {
  const closers: (() => unknown)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).toReversed()) {
      try {
        await closer();
      } catch (error) {
        log.warn({ error }, 'a connection could not be closed');
      }
    }
  };
  try {
    return { parts: await connectParts(config, app, closers, log), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @param closers gets a function for each part that must be closed */
async function connectParts(
  config: GatewayConfig,
  app: TemplatedApp,
  closers: (() => unknown)[],
  log: Log,
): Promise<GatewayContext> {
  const gatewayId = newId();
  const { REDIS_URL, REDIS_PREFIX: prefix, API_SECRET } = config;
  const metrics = createMetrics();
  const database = connectDatabase(config.DATABASE_URL, {
    name: 'rooms-gateway',
    max: READ_CONNECTIONS,
    readOnly: true,
    timeout: STATEMENT_TIMEOUT_MS,
    queue: { maxWaiting: limits.MAX_WAITING_STATEMENTS, maxWaitMs: MAX_STATEMENT_WAIT_MS },
    onSend: () => metrics.statements.inc(),
  });
  closers.push(() => database.end({ timeout: 5 }));
  const redis = connectRedis(REDIS_URL, 'producer', 'rooms-gateway', log);
  closers.push(() => redis.quit().finally(() => redis.disconnect()));
  const subscriberRedis = connectRedis(REDIS_URL, 'subscriber', 'rooms-gateway', log);
  closers.push(() => subscriberRedis.disconnect());
  const queues = openQueues(redis, prefix, log);
  closers.push(() => Promise.all(Object.values(queues).map((queue) => queue.close())));
  const payloads = new PayloadReader(metrics, log);

  const reads = createReads(database);
  const passwords = new Passwords(config);
  closers.push(() => passwords.close());
  const clock = await startClock(database, log);
  closers.push(() => clock.stop());
  const dispatcher = new CommandDispatcher({ gatewayId, laneCount: config.LANES, queues, redis, clock, log });
  const readMarks = new ReadMarks(dispatcher);
  closers.push(() => readMarks.close());
  const epoch = await Epoch.open({ reads, submit: (change) => dispatcher.changeAccount(change), log });
  closers.push(() => epoch.close());
  const publish = (topic: string, frame: string) => app.publish(topic, frame);
  const liveRooms = new LiveRooms({
    ...{ gatewayId, prefix, redis, subscriberRedis, reads, publish, payloads, epoch, metrics, log },
    pendingCommands: () => dispatcher.pending,
  });
  closers.push(() => liveRooms.close());
  await liveRooms.subscribeToReplies(
    (reply) => dispatcher.complete(reply),
    () => dispatcher.resend(),
  );
  const checkPostgres = async () => {
    if (await epoch.check()) void liveRooms.reload();
  };
  const checkRedis = async () => {
    if (liveRooms.isSilent) throw new Error('the subscriber is silent');
    await redis.ping();
  };
  const readiness = new Readiness({ postgres: checkPostgres, redis: checkRedis });
  closers.push(() => readiness.close());

  return {
    config,
    get epoch() {
      return epoch.id;
    },
    addressOf: createAddressOf(config.TRUSTED_PROXIES),
    connections: new OpenConnections(config, createPeerOf(config.TRUSTED_PROXIES), log),
    cors: createCors(config),
    rateLimits: new RateLimits(redis, config, log),
    userRates: new UserRates(redis, config, log),
    reads,
    turns: createTurns(),
    dispatcher,
    readMarks,
    liveRooms,
    passwords,
    tokens: createTokens(API_SECRET, config.TOKEN_HOUR_LIFESPAN),
    tickets: createTickets(redis, prefix, payloads),
    otpCheck: createOtpCheck(redis, prefix, API_SECRET),
    otpRequests: createOtpRequests(queues['otp-email']),
    readiness,
    isStopping: false,
    metrics,
    log,
  };
}

function createTurns(): GatewayContext['turns'] {
  const ofUserWaiting = limits.MAX_WAITING_READS_OF_USER;
  return {
    lists: new UserTurns({
      atOnce: limits.MAX_LISTS_AT_ONCE,
      ofUserAtOnce: limits.MAX_LISTS_OF_USER_AT_ONCE,
      ofUserWaiting,
    }),
    // Histories of many users share a statement, so their total needs no bound.
    histories: new UserTurns({
      atOnce: Number.POSITIVE_INFINITY,
      ofUserAtOnce: limits.MAX_HISTORIES_OF_USER_AT_ONCE,
      ofUserWaiting,
    }),
  };
}

function openQueues(connection: Redis, prefix: string, log: Log): Record<QueueName, Queue> {
  const queues = QUEUES.map((name): [QueueName, Queue] => {
    const queue = new Queue(name, { connection, prefix });
    queue.on('error', (error) => log.debug({ error, queue: name }, 'queue error'));
    return [name, queue];
  });
  return Object.fromEntries(queues) as Record<QueueName, Queue>;
}

/** Several gateways can listen on the same port of a machine. The kernel then divides the connections among them. */
async function listen(app: TemplatedApp, host: string, port: number): Promise<us_listen_socket> {
  const listener = await new Promise<us_listen_socket | false>((resolve) => app.listen(host, port, resolve));
  if (!listener)
    throw new Error(`cannot listen at ${host}:${port}: the port is in use, or this machine does not have this address`);
  return listener;
}
