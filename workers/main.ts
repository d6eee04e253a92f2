import { Queue } from 'bullmq';
import { channelNames } from '../shared/channels.ts';
import { readConfig } from '../shared/config.ts';
import { connectDatabase } from '../shared/database.ts';
import { PERSISTENCE } from '../shared/jobs.ts';
import { createLog } from '../shared/log.ts';
import { connectRedis } from '../shared/redis.ts';
import { CONCURRENCY, startPersistence } from './persistence.ts';
import { Reminders } from './reminders.ts';
import { startWatchdog } from './watchdog.ts';

const config = readConfig('DATABASE_URL', 'REDIS_URL', 'REDIS_PREFIX', 'LOG_LEVEL');
const log = createLog('persistence', config.LOG_LEVEL);
const names = channelNames(config.REDIS_PREFIX);

const database = connectDatabase(config.DATABASE_URL, {
  name: 'rooms-persistence',
  max: CONCURRENCY,
  readOnly: false,
  timeout: 15_000, // no command lives longer
});
const redis = connectRedis(config.REDIS_URL, 'producer', log);
const queueRedis = connectRedis(config.REDIS_URL, 'consumer', log);
const reminders = new Reminders(redis, names, log);
const worker = startPersistence({ database, redis, names, reminders, log }, queueRedis, config.REDIS_PREFIX);
const queue = new Queue(PERSISTENCE, { connection: queueRedis, prefix: config.REDIS_PREFIX });
const watchdog = startWatchdog({
  worker,
  waiting: () => queue.getWaitingCount(),
  giveUp: () => {
    log.fatal('jobs wait and this worker takes none');
    process.exit(1);
  },
  every: 10_000,
  log,
});

await worker.waitUntilReady();
log.info('persistence worker is ready');

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** Ends the jobs at work, takes no new ones. */
async function stop(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  watchdog.stop();
  await worker.close();
  await queue.close();
  reminders.stop();
  await Promise.all([database.end({ timeout: 5 }), redis.quit(), queueRedis.quit()]).catch((error: unknown) =>
    log.warn({ error }, 'not all was closed'),
  );
  log.info('stopped');
}
