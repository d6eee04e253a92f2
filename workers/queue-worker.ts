import { type Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from '../shared/contract/jobs.ts';
import type { Log } from '../shared/log.ts';
import type { PayloadReader } from '../shared/payloads.ts';
import { startWatchdog } from './watchdog.ts';

const WATCHDOG_INTERVAL_MS = 10_000;
/** A worker without a job blocks its connection for this time. Redis is silent meanwhile (shared/redis.ts). */
const MAX_BLOCK_S = 2;
/** After a lost connection, a worker tries again after this time. */
const RUN_AGAIN_AFTER_MS = 1_000;

export interface QueueAccess {
  /** A `consumer` connection (shared/redis.ts). */
  redis: Redis;
  /** `REDIS_PREFIX` */
  prefix: string;
  payloads: PayloadReader;
  log: Log;
}

/**
 * Parses the data of a job.
 * @returns a function that does the job
 * @throws Error if the data does not fit the schema
 */
export type PrepareJob = (data: unknown) => () => Promise<void>;

/**
 * Starts a worker that takes the jobs of a queue. A job that fails is retried, as often as its options allow. A job
 * that cannot be read is dropped.
 * @param jobs the kinds of jobs, by name
 * @param concurrency the number of jobs at the same time
 */
export function startWorker(
  queue: QueueName,
  { redis, prefix, payloads, log }: QueueAccess,
  jobs: Record<string, PrepareJob>,
  concurrency: number,
): Worker {
  const processJob = async (job: Job) => {
    const doJob = payloads.read('job', job, ({ name, data }) => prepareJob(jobs, name, data));
    await doJob?.();
  };
  const worker = new BriefBlockWorker(queue, processJob, {
    connection: redis,
    prefix,
    concurrency,
    drainDelay: MAX_BLOCK_S,
    runRetryDelay: RUN_AGAIN_AFTER_MS,
    // After a worker dies, another worker takes its mail when these times have passed. A batch is not taken again: its lane
    // sends a copy, which is applied with care (careful-batch.ts).
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: queue === 'otp-email' ? 5 : 0,
  });
  worker.on('error', (error) => log.warn({ error, queue }, 'queue error'));
  worker.on('failed', (job, error) => {
    const failure = { error, queue, job: job?.id };
    if (isGivenUp(job)) log.error(failure, 'job given up');
    else log.warn(failure, 'job failed, retrying');
  });
  return worker;
}

/** BullMQ applies `drainDelay` only while no job is delayed. */
class BriefBlockWorker extends Worker {
  protected override getBlockTimeout(blockUntil: number): number {
    return Math.min(super.getBlockTimeout(blockUntil), MAX_BLOCK_S);
  }
}

/** True if a failed job will not be retried. */
export function isGivenUp(job: Job | undefined): boolean {
  return job?.finishedOn !== undefined;
}

function prepareJob(jobs: Record<string, PrepareJob>, name: string, data: unknown): () => Promise<void> {
  const prepare = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (!prepare) throw new Error('unknown job name');
  return prepare(data);
}

/**
 * Starts a watchdog for a worker (watchdog.ts).
 * @param onStuck called once, when jobs wait and the worker takes no job
 * @returns a function that stops the watchdog
 */
export function watchWorker(worker: Worker, { redis, prefix, log }: QueueAccess, onStuck: () => void) {
  const queue = new Queue(worker.name, { connection: redis, prefix });
  queue.on('error', (error) => log.debug({ error, queue: worker.name }, 'queue error'));
  const watchdog = startWatchdog({
    worker,
    countWaiting: () => queue.getWaitingCount(),
    onStuck,
    intervalMs: WATCHDOG_INTERVAL_MS,
    log,
  });
  return async (): Promise<void> => {
    watchdog.stop();
    await queue.close();
  };
}
