import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { type Figures, formatNumber, type Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const PAUSES_MS = [0, 5, 20];
const QUEUE = 'wake-ups';

interface WakeUpsOptions {
  seconds?: number;
  /** Long enough for V8 to compile the functions that run often. Default: 2. */
  warmUpSeconds?: number;
}

/**
 * Measures the processor time of small tasks in a Node process, without a pause and with pauses between them. Caches that
 * are cold after a pause make the same task several times as expensive. So a batch costs more when the load is low.
 */
export async function measureWakeUps({ redisUrl, print }: System, options: WakeUpsOptions): Promise<Result> {
  const connect = () => new Redis(redisUrl, { maxRetriesPerRequest: null });
  const [redis, producer, consumer] = [connect(), connect(), connect()];
  const queue = new Queue(QUEUE, { connection: producer });
  const jobs = new JobsInTurn(queue);
  const worker = new Worker(QUEUE, () => jobs.finish(), { connection: consumer });
  const tasks: Record<string, () => unknown> = {
    'empty task': () => undefined,
    'PING to Redis': () => redis.ping(),
    'empty job of BullMQ': () => jobs.run(),
  };
  const figures: Figures = {};
  for (const [name, task] of Object.entries(tasks))
    for (const pauseMs of PAUSES_MS) {
      const microseconds = await cpuOfTask(task, pauseMs, options);
      figures[`${name}, pause ${pauseMs} ms: µs`] = microseconds;
      print(`  ${name}, pause ${pauseMs} ms: ${formatNumber(microseconds)} µs`);
    }
  await worker.close();
  await queue.obliterate({ force: true });
  await queue.close();
  for (const connection of [redis, producer, consumer]) connection.disconnect();
  return { errors: [], figures };
}

/** Runs one empty job after the other. */
class JobsInTurn {
  readonly #queue: Queue;
  #onFinished: () => void = () => undefined;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Resolves when the worker has done the job. */
  async run(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onFinished = resolve;
    await this.#queue.add('empty', {}, { removeOnComplete: true });
    await promise;
  }

  async finish(): Promise<void> {
    this.#onFinished();
  }
}

/** @returns the processor time of this process for each run of the task, in microseconds */
async function cpuOfTask(
  task: () => unknown,
  pauseMs: number,
  { seconds = 3, warmUpSeconds = 2 }: WakeUpsOptions,
): Promise<number> {
  const runFor = async (duration: number) => {
    const endAtMs = performance.now() + duration * 1_000;
    let runs = 0;
    for (; performance.now() < endAtMs; runs++) {
      await (pauseMs === 0 ? nextTurn() : wait(pauseMs));
      await task();
    }
    return runs;
  };
  await runFor(warmUpSeconds);
  const before = process.cpuUsage();
  const runs = await runFor(seconds);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}
