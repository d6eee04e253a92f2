import type { Log } from './log.ts';

/** Supervisors kill a process a little later: `npm start` and the tests after 15 seconds, docker compose after 20. */
const MAX_STOP_MS = 14_000;

/**
 * Stops and ends this process on SIGTERM or SIGINT. Ends it with the exit code 1 if the stop takes longer than 14 seconds:
 * a service that it needs for its stop may not be reachable.
 */
export function stopOnSignal(stop: () => Promise<void>, log: Log): void {
  const end = async (signal: NodeJS.Signals) => {
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error('the stop took too long, ending the process');
      process.exit(1);
    }, MAX_STOP_MS);
    await stop();
    log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void end(signal));
}
