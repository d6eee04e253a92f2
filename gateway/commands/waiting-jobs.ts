import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';

/** In all other states a copy of the job's batch helps: an active job may belong to a dead worker. */
const WAITING_STATES: ReadonlySet<string> = new Set(['waiting', 'prioritized']);

/**
 * Asks whether no worker has taken a job. If so, wakes a worker: BullMQ signals a new job once, with a marker in Redis, and
 * a worker that died may have taken the marker.
 */
export async function isWaiting(queue: Queue, redis: Redis, jobId: string): Promise<boolean> {
  if (!WAITING_STATES.has(await queue.getJobState(jobId))) return false;
  // BullMQ adds the same marker with each job.
  await redis.zadd(queue.keys.marker as string, 0, '0');
  return true;
}
