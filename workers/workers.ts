import type { Worker } from 'bullmq';
import type { Config } from '../shared/config.ts';
import { channelNames } from '../shared/contract/channels.ts';
import type { QueueName } from '../shared/contract/jobs.ts';
import { otpNames } from '../shared/contract/otps.ts';
import { connectDatabase } from '../shared/database.ts';
import type { Log } from '../shared/log.ts';
import { createMetrics, type Metrics } from '../shared/metrics.ts';
import { PayloadReader } from '../shared/payloads.ts';
import { QUOTA_VARIABLES, type Quotas, quotaSettings } from '../shared/quotas.ts';
import { connectRedis } from '../shared/redis.ts';
import { wait } from '../shared/wait.ts';
import { batchJobs } from './batch-worker.ts';
import { watchDatabaseTime } from './database-time.ts';
import { LOCK_TIMEOUT_MS } from './lock-timeout.ts';
import { LockedRows } from './locked-rows.ts';
import { createMailer } from './mailer.ts';
import { type OtpContext, startOtpEmail } from './otp-email.ts';
import { startWorker, watchWorker } from './queue-worker.ts';
import { RepeatedPublications } from './repeated-publications.ts';

/** Jobs at the same time in one worker. A job spends most of its time waiting for Postgres or for the mail server. */
const CONCURRENCY = 8;
/** Role changes are rare, so one job at a time is enough. */
const ROLE_CHANGE_CONCURRENCY = 1;
/** A full batch takes far less. After this time the lane sends the batch again. */
const STATEMENT_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_WITHOUT_REDIS_MS = 1_000;

const COMMON_VARIABLES = ['DATABASE_URL', 'REDIS_URL', 'REDIS_PREFIX', 'ALLOWED_USERS_ONLY'] as const;
const MAIL_VARIABLES = [
  'API_SECRET',
  'OTP_EXPIRY',
  'SENDER_NAME',
  'SMTP_HOST',
  'SMTP_PORT',
  'EMAIL',
  'EMAIL_PASSWORD',
] as const;

type WorkerVariable = (typeof COMMON_VARIABLES | typeof QUOTA_VARIABLES | typeof MAIL_VARIABLES)[number];
type MailConfig = Config<(typeof MAIL_VARIABLES)[number]>;
/** Only `persistence` needs the variables of {@link Quotas}, and only `otp-email` those of {@link MailConfig}. */
export type WorkersConfig = Config<(typeof COMMON_VARIABLES)[number]> & Partial<Quotas & MailConfig>;

/** Returns the names of the environment variables that workers of these kinds need. */
export function workerVariables(kinds: QueueName[]): WorkerVariable[] {
  return [
    ...COMMON_VARIABLES,
    ...(kinds.includes('persistence') ? QUOTA_VARIABLES : []),
    ...(kinds.includes('otp-email') ? MAIL_VARIABLES : []),
  ];
}

export interface Workers {
  metrics: Metrics;
  /** Resolves with the queue of a worker that has stopped taking jobs. Then only a new process takes its jobs again. */
  stuck: Promise<QueueName>;
  /** Takes no new jobs, waits for the running jobs, and closes all connections. Without Redis it does not wait. */
  stop(): Promise<void>;
}

/** Starts workers of these kinds. Resolves when the workers take jobs. */
export async function openWorkers(config: WorkersConfig, kinds: QueueName[], log: Log): Promise<Workers> {
  const metrics = createMetrics();
  const names = channelNames(config.REDIS_PREFIX);
  const database = connectDatabase(config.DATABASE_URL, {
    name: 'rooms-workers',
    max: CONCURRENCY,
    readOnly: false,
    timeout: STATEMENT_TIMEOUT_MS,
    onSend: () => metrics.statements.inc(),
    settings: {
      lock_timeout: LOCK_TIMEOUT_MS,
      ...(kinds.includes('persistence') && quotaSettings(config as WorkersConfig & Quotas)),
    },
  });
  const redis = connectRedis(config.REDIS_URL, 'producer', 'rooms-worker', log);
  const consumer = connectRedis(config.REDIS_URL, 'consumer', 'rooms-worker', log);
  const repeatedPublications = new RepeatedPublications(redis, names, log);
  const access = { redis: consumer, prefix: config.REDIS_PREFIX, payloads: new PayloadReader(metrics, log), log };
  const allowListOnly = config.ALLOWED_USERS_ONLY;
  const databaseTime = watchDatabaseTime(database, log);
  const context = { database, databaseTime, lockedRows: new LockedRows(), redis, prefix: config.REDIS_PREFIX };
  const jobs = batchJobs({ ...context, names, repeatedPublications, allowListOnly, log });

  const starts: Record<QueueName, () => Worker> = {
    persistence: () => startWorker('persistence', access, jobs, CONCURRENCY),
    'role-changes': () => startWorker('role-changes', access, jobs, ROLE_CHANGE_CONCURRENCY),
    'otp-email': () => {
      const mailing = openMailing(config as WorkersConfig & MailConfig);
      return startOtpEmail(access, { database, redis, allowListOnly, metrics, log, ...mailing }, CONCURRENCY);
    },
  };
  const workers = kinds.map((kind) => starts[kind]());
  const { promise: stuck, resolve: onStuck } = Promise.withResolvers<QueueName>();
  const stopWatching = workers.map((worker) => watchWorker(worker, access, () => onStuck(worker.name as QueueName)));
  await Promise.all(workers.map((worker) => worker.waitUntilReady()));

  const close = async (force: boolean) => {
    await Promise.all(stopWatching.map((stop) => stop()));
    await Promise.all(workers.map((worker) => worker.close(force)));
    repeatedPublications.stop();
    databaseTime.stop();
    await Promise.all([database.end({ timeout: 5 }), redis.quit(), consumer.quit()]);
  };
  const stop = async () => {
    const isRedisLost = redis.status !== 'ready';
    const timeouts = isRedisLost ? [wait(CLOSE_TIMEOUT_WITHOUT_REDIS_MS)] : [];
    await Promise.race([close(isRedisLost), ...timeouts]).catch((error: unknown) =>
      log.warn({ error }, 'connections not closed'),
    );
    repeatedPublications.stop();
    databaseTime.stop();
    for (const connection of [redis, consumer]) connection.disconnect();
  };
  let stopping: Promise<void> | undefined;
  return {
    metrics,
    stuck,
    stop() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function openMailing(config: WorkersConfig & MailConfig): Pick<OtpContext, 'otps' | 'mailer' | 'expiryMs'> {
  return {
    otps: otpNames(config.REDIS_PREFIX, config.API_SECRET),
    mailer: createMailer({
      host: config.SMTP_HOST,
      port: config.SMTP_PORT,
      senderName: config.SENDER_NAME,
      email: config.EMAIL,
      password: config.EMAIL_PASSWORD,
    }),
    expiryMs: config.OTP_EXPIRY,
  };
}
