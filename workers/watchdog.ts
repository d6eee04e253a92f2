import type { Log } from '../shared/log.ts';

const STRIKES = 3;

export interface WatchdogOptions {
  /** BullMQ's worker. */
  worker: { on(event: 'active' | 'completed' | 'failed', listener: () => void): unknown };
  /** How many jobs wait for a worker. */
  waiting: () => Promise<number>;
  /** Called once, when jobs have waited through three looks and this worker took none. */
  giveUp: () => void;
  /** Milliseconds between looks. */
  every: number;
  log: Log;
}

/** A worker can stop taking jobs and not know it, as after a failover of Redis: then only a new process helps. */
export function startWatchdog({ worker, waiting, giveUp, every, log }: WatchdogOptions): { stop(): void } {
  let moved = false;
  let strikes = 0;
  for (const event of ['active', 'completed', 'failed'] as const) {
    worker.on(event, () => {
      moved = true;
    });
  }
  const look = async () => {
    try {
      strikes = (await waiting()) > 0 && !moved ? strikes + 1 : 0;
    } catch (error) {
      log.warn({ error }, 'the queue could not be looked at');
    }
    moved = false;
    if (strikes < STRIKES) return;
    clearInterval(timer);
    giveUp();
  };
  const timer = setInterval(() => void look(), every);
  return { stop: () => clearInterval(timer) };
}
