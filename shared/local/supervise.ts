import { setTimeout as wait } from 'node:timers/promises';
import { type Child, type ChildOptions, startChild } from './child.ts';

/** Milliseconds: before a restart, and how long a process must have lived for the count to begin anew. */
const PAUSE = 1_000;
const STABLE = 10_000;
const MOST_RESTARTS = 3;

export interface Supervised {
  stop(): Promise<void>;
}

/**
 * Keeps a process running.
 * @param giveUp called when it ends again and again
 */
export function supervise(
  options: ChildOptions,
  say: (text: string) => void,
  giveUp: (name: string, how: string) => void,
): Supervised {
  let child: Child;
  let stopping = false;
  const keepRunning = async () => {
    for (let restarts = 0; ; restarts++) {
      const started = Date.now();
      child = startChild(options);
      const how = await child.ended;
      if (stopping) return;
      if (Date.now() - started > STABLE) restarts = 0;
      if (restarts === MOST_RESTARTS) return giveUp(options.name, how);
      say(`${options.name} ended (${how}), starting it again`);
      await wait(PAUSE);
      if (stopping) return;
    }
  };
  const done = keepRunning();
  return {
    async stop() {
      stopping = true;
      await child.stop();
      await done;
    },
  };
}
