import { type Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from '../shared/contract/jobs.ts';
import type { Log } from '../shared/log.ts';
import type { PayloadReader } from '../shared/payloads.ts';
import { startWatchdog } from './watchdog.ts';

const WATCHDOG_INTERVAL_MS = 10_000;

export interface QueueAccess {
  /** A `consumer` connection. */
  redis: Redis;
  /** `REDIS_PREFIX` */
  prefix: string;
  payloads: PayloadReader;
  log: Log;
}

/**
 * Reads the data of a job once. @returns a function that does the job
 * @throws Error if the data cannot be read
 */
export type ReadJob = (data: unknown) => () => Promise<void>;

/**
 * Starts to take jobs from a queue. A job that fails is retried as its options say. A job that cannot be read is dropped.
 * @param jobs by job name
 * @param concurrency jobs at the same time
 */
export function startWorker(
  queue: QueueName,
  { redis, prefix, payloads, log }: QueueAccess,
  jobs: Record<string, ReadJob>,
  concurrency: number,
): Worker {
  const processJob = async (job: Job) => {
    const run = payloads.read('job', job, ({ name, data }) => readJob(jobs, name, data));
    await run?.();
  };
  const worker = new Worker(queue, processJob, {
    connection: redis,
    prefix,
    concurrency,
    // Another worker takes over the job of a dead worker. The lane has resent the batch long before.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 5,
  });
  worker.on('error', (error) => log.warn({ error, queue }, 'queue error'));
  worker.on('failed', (job, error) => {
    const failure = { error, queue, job: job?.id };
    if (isGivenUp(job)) log.error(failure, 'job given up');
    else log.warn(failure, 'job failed, retrying');
  });
  return worker;
}

/** True if a failed job is not retried. */
export function isGivenUp(job: Job | undefined): boolean {
  return job?.finishedOn !== undefined;
}

function readJob(jobs: Record<string, ReadJob>, name: string, data: unknown): () => Promise<void> {
  const read = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
  if (!read) throw new Error('this worker has no job of this name');
  return read(data);
}

/**
 * Watches whether the worker takes the jobs that wait in its queue.
 * @param onStuck called once, when the worker has stopped taking jobs
 * @returns stops the watch
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
