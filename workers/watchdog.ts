import type { Log } from '../shared/log.ts';
import { withTimeout } from '../shared/timeout.ts';

const MAX_IDLE_CHECKS = 3;
/** The count uses a connection that may be silent. */
const COUNT_TIMEOUT_MS = 2_000;

export interface WatchdogOptions {
  /** A worker of BullMQ. */
  worker: { on(event: 'active' | 'completed' | 'failed', listener: () => void): unknown };
  /** Counts the jobs that wait in the worker's queue. */
  countWaiting: () => Promise<number>;
  /** Called once, when three checks in a row found waiting jobs and a worker that did nothing since the last check. */
  onStuck: () => void;
  /** Milliseconds between two checks. */
  intervalMs: number;
  log: Log;
}

/**
 * Checks regularly that a worker takes the jobs that wait. A worker of BullMQ can stop taking jobs without an
 * error, for example after a failover of Redis. Then only a new process takes jobs again.
 */
export function startWatchdog({ worker, countWaiting, onStuck, intervalMs, log }: WatchdogOptions): { stop(): void } {
  let isActive = false;
  let idleChecks = 0;
  let isCounting = false;
  for (const event of ['active', 'completed', 'failed'] as const) {
    worker.on(event, () => {
      isActive = true;
    });
  }
  const check = async () => {
    if (isCounting) return;
    isCounting = true;
    try {
      idleChecks = (await withTimeout(countWaiting(), COUNT_TIMEOUT_MS)) > 0 && !isActive ? idleChecks + 1 : 0;
    } catch (error) {
      log.warn({ error }, 'the waiting jobs could not be counted');
    }
    isCounting = false;
    isActive = false;
    if (idleChecks < MAX_IDLE_CHECKS) return;
    clearInterval(timer);
    onStuck();
  };
  const timer = setInterval(() => void check(), intervalMs);
  return { stop: () => clearInterval(timer) };
}
