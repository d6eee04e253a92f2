import { setTimeout as wait } from 'node:timers/promises';
import { type Child, type ChildOptions, startChild } from './child.ts';

const RESTART_AFTER_MS = 1_000;
/** After a process has lived this long, its restarts are counted from 0 again. */
const STABLE_AFTER_MS = 10_000;
const MAX_RESTARTS = 3;

export interface Supervised {
  stop(): Promise<void>;
}

/**
 * Starts a process, and starts it again each time when it ends.
 * @param giveUp called when the process has ended four times in a row, each time within ten seconds after its start
 */
export function supervise(
  options: ChildOptions,
  print: (line: string) => void,
  giveUp: (name: string, ending: string) => void,
): Supervised {
  let child: Child;
  let stopping = false;
  const keepRunning = async () => {
    for (let restarts = 0; ; restarts++) {
      const startedAt = Date.now();
      child = startChild(options);
      const ending = await child.ended;
      if (stopping) return;
      if (Date.now() - startedAt > STABLE_AFTER_MS) restarts = 0;
      if (restarts === MAX_RESTARTS) return giveUp(options.name, ending);
      print(`${options.name} ended (${ending}), starting it again`);
      await wait(RESTART_AFTER_MS);
      if (stopping) return;
    }
  };
  const ended = keepRunning();
  return {
    async stop() {
      stopping = true;
      await child.stop();
      await ended;
    },
  };
}
