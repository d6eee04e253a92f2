import { setTimeout as wait } from 'node:timers/promises';
import type { Worker } from 'bullmq';
import { readConfig } from '../shared/config.ts';
import { channelNames } from '../shared/contract/channels.ts';
import { QUEUES, type QueueName } from '../shared/contract/jobs.ts';
import { otpNames } from '../shared/contract/otps.ts';
import { connectDatabase } from '../shared/database.ts';
import { createLog } from '../shared/log.ts';
import { createMetrics, serveMetrics } from '../shared/metrics.ts';
import { connectRedis } from '../shared/redis.ts';
import { startBatches } from './batch-worker.ts';
import { createMailer } from './mailer.ts';
import { type OtpWork, startOtpEmail } from './otp-email.ts';
import { type QueueAccess, watch } from './queue-worker.ts';
import { Reminders } from './reminders.ts';

// node workers/main.ts [persistence] [otp-email] [role-changes]: workers of these kinds, or of all.

const CONCURRENCY = 8;

const kinds = process.argv.slice(2);
const unknown = kinds.find((kind) => !(QUEUES as readonly string[]).includes(kind));
if (unknown !== undefined) {
  process.stderr.write(`there is no worker of the kind ${unknown}; there are: ${QUEUES.join(', ')}\n`);
  process.exit(64);
}
const chosen = QUEUES.filter((kind) => kinds.length === 0 || kinds.includes(kind));

const mailNames = [
  'API_SECRET',
  'OTP_EXPIRY',
  'SENDER_NAME',
  'SMTP_HOST',
  'SMTP_PORT',
  'EMAIL',
  'EMAIL_PASSWORD',
] as const;
const config = readConfig(
  ...(['DATABASE_URL', 'REDIS_URL', 'REDIS_PREFIX', 'ALLOWED_USERS_ONLY', 'LOG_LEVEL', 'METRICS_PORT'] as const),
  ...(chosen.includes('otp-email') ? mailNames : []),
);
const log = createLog(chosen.join(' '), config.LOG_LEVEL);
const metrics = createMetrics();
const names = channelNames(config.REDIS_PREFIX);

const database = connectDatabase(config.DATABASE_URL, {
  name: 'rooms-workers',
  max: CONCURRENCY,
  readOnly: false,
  timeout: 15_000, // no command lives longer
});
const redis = connectRedis(config.REDIS_URL, 'producer', log);
const access: QueueAccess = {
  connection: connectRedis(config.REDIS_URL, 'consumer', log),
  prefix: config.REDIS_PREFIX,
  log,
};
const reminders = new Reminders(redis, names, log);
const batchWork = { database, redis, names, reminders, allowedOnly: config.ALLOWED_USERS_ONLY, log };

const starts: Record<QueueName, () => Worker> = {
  persistence: () => startBatches('persistence', access, batchWork, CONCURRENCY),
  'role-changes': () => startBatches('role-changes', access, batchWork, 1),
  'otp-email': () => startOtpEmail(access, { database, redis, ...mailing(), metrics, log }),
};

function mailing(): Pick<OtpWork, 'otps' | 'mailer' | 'expiry' | 'allowedOnly'> {
  return {
    otps: otpNames(config.REDIS_PREFIX, config.API_SECRET),
    mailer: createMailer({
      host: config.SMTP_HOST,
      port: config.SMTP_PORT,
      senderName: config.SENDER_NAME,
      email: config.EMAIL,
      password: config.EMAIL_PASSWORD,
    }),
    expiry: config.OTP_EXPIRY,
    allowedOnly: config.ALLOWED_USERS_ONLY,
  };
}

const workers = chosen.map((kind) => starts[kind]());
const watches = workers.map((worker) => watch(worker, access));
serveMetrics(metrics, config.METRICS_PORT, log);
await Promise.all(workers.map((worker) => worker.waitUntilReady()));
log.info('workers are ready');

process.once('SIGTERM', stop);
process.once('SIGINT', stop);

/** Ends the jobs at work, takes no new ones. While Redis is away there is nothing to wait for. */
async function stop(signal: string): Promise<void> {
  log.info({ signal }, 'stopping');
  const isAway = redis.status !== 'ready';
  const close = async () => {
    await Promise.all(watches.map((each) => each.stop()));
    await Promise.all(workers.map((worker) => worker.close(isAway)));
    reminders.stop();
    await Promise.all([database.end({ timeout: 5 }), redis.quit(), access.connection.quit()]);
  };
  const patience = isAway ? [wait(1_000)] : [];
  await Promise.race([close(), ...patience]).catch((error: unknown) => log.warn({ error }, 'not all was closed'));
  log.info('stopped');
  process.exit(0);
}
