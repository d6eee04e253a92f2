import type { TemplatedApp } from 'uWebSockets.js';
import { Queue } from 'bullmq';
import { channelNames, type Reply } from '../shared/channels.ts';
import type { Config } from '../shared/config.ts';
import { connectDatabase } from '../shared/database.ts';
import { newId } from '../shared/ids.ts';
import { type Batch, type JobName, PERSISTENCE } from '../shared/jobs.ts';
import type { Log } from '../shared/log.ts';
import { connectRedis } from '../shared/redis.ts';
import { startClock } from './clock.ts';
import { Commands } from './commands.ts';
import { Feeds } from './feeds.ts';
import { Online } from './online.ts';
import { createReads, type Reads } from './reads.ts';
import { Subscriber } from './subscriber.ts';
import { createTokens, type Tokens } from './tokens.ts';

const READ_CONNECTIONS = 8;

/** What the routes and the socket work with. */
export interface Gateway {
  /** Of the database. */
  epoch: string;
  commands: Commands;
  online: Online;
  reads: Reads;
  tokens: Tokens;
  /** @throws Error if Redis does not answer */
  pingRedis: () => Promise<unknown>;
  /** True from the moment in which this process was asked to stop. */
  stopping: boolean;
  log: Log;
  /** Ends all its connections. */
  close(): Promise<void>;
}

type GatewayConfig = Config<
  'DATABASE_URL' | 'REDIS_URL' | 'REDIS_PREFIX' | 'API_SECRET' | 'TOKEN_HOUR_LIFESPAN' | 'LANES'
>;

/** Connects a gateway to Postgres and Redis. @param app whose topics it publishes on */
export async function openGateway(config: GatewayConfig, app: TemplatedApp, log: Log): Promise<Gateway> {
  const id = newId();
  const names = channelNames(config.REDIS_PREFIX);
  const use = { name: 'rooms-gateway', max: READ_CONNECTIONS, readOnly: true, timeout: 10_000 };
  const database = connectDatabase(config.DATABASE_URL, use);
  const redis = connectRedis(config.REDIS_URL, 'producer', log);
  const subscriberRedis = connectRedis(config.REDIS_URL, 'consumer', log, { autoResubscribe: false });
  const queue = new Queue<Batch<unknown>, void, JobName>(PERSISTENCE, {
    connection: redis,
    prefix: config.REDIS_PREFIX,
  });
  queue.on('error', (error) => log.debug({ error }, 'queue'));

  const reads = createReads(database);
  const clock = await startClock(database, log);
  const commands = new Commands({ gateway: id, lanes: config.LANES, queue, clock, log });
  const onReconnect = () => {
    feeds.checkAll();
    void online.checkAll();
  };
  const subscriber = new Subscriber(subscriberRedis, onReconnect, log);
  const publish = (roomId: string, frame: string) => app.publish(roomId, frame);
  const feeds = new Feeds({ subscriber, names, reads, deliver: (...message) => online.deliver(...message), log });
  const online = new Online({ feeds, subscriber, names, reads, publish, log });
  await subscriber.subscribe(names.gateway(id), (payload) => commands.settle(JSON.parse(payload) as Reply));

  return {
    epoch: await reads.epoch(),
    commands,
    online,
    reads,
    tokens: createTokens(config.API_SECRET, config.TOKEN_HOUR_LIFESPAN),
    pingRedis: () => redis.ping(),
    stopping: false,
    log,
    async close() {
      clock.stop();
      subscriber.close();
      await queue.close();
      await Promise.all([database.end({ timeout: 5 }), redis.quit()]);
    },
  };
}
