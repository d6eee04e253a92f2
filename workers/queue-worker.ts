import { type Job, Queue, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { QueueName } from '../shared/contract/jobs.ts';
import type { Log } from '../shared/log.ts';
import { startWatchdog } from './watchdog.ts';

export interface QueueAccess {
  /** A `consumer`. */
  connection: Redis;
  /** `REDIS_PREFIX` */
  prefix: string;
  log: Log;
}

/** Takes jobs off a queue. @param concurrency jobs at the same time */
export function startWorker<Data, Name extends string>(
  queue: QueueName,
  { connection, prefix, log }: QueueAccess,
  concurrency: number,
  work: (job: Job<Data, void, Name>) => Promise<void>,
): Worker {
  const worker = new Worker<Data, void, Name>(queue, work, {
    connection,
    prefix,
    concurrency,
    // A dead worker's job is taken over soon; the lanes have sent a batch again long before.
    lockDuration: 10_000,
    stalledInterval: 5_000,
    maxStalledCount: 5,
  });
  worker.on('error', (error) => log.warn({ error, queue }, 'queue'));
  worker.on('failed', (job, error) => log.warn({ error, queue, job: job?.id }, 'a job failed; it is tried again'));
  return worker as unknown as Worker;
}

/** Ends the process when a worker does not take the jobs that wait. @returns what stops the watch */
export function watch(worker: Worker, { connection, prefix, log }: QueueAccess): { stop(): Promise<void> } {
  const queue = new Queue(worker.name, { connection, prefix });
  const watchdog = startWatchdog({
    worker,
    waiting: () => queue.getWaitingCount(),
    giveUp: () => {
      log.fatal({ queue: worker.name }, 'jobs wait and this worker takes none');
      process.exit(1);
    },
    every: 10_000,
    log,
  });
  return {
    async stop() {
      watchdog.stop();
      await queue.close();
    },
  };
}
