import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { environment } from '../config.ts';

export interface Child {
  name: string;
  pid: number;
  /** Settles when the process has ended, however it did. */
  ended: Promise<string>;
  /** Asks it to end, and ends it after the grace period (milliseconds). */
  stop(grace?: number): Promise<void>;
}

export interface ChildOptions {
  name: string;
  command: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** Where its output goes: a file, or this process's own. */
  output: string | 'inherit';
  stopSignal?: 'SIGTERM' | 'SIGINT';
  /** More words for setpriv, which starts it. */
  privileges?: string[];
}

/**
 * Starts a process that ends with this one, even if this one is killed: setpriv (a part of every Debian and Ubuntu)
 * has the kernel signal it then. It is in a process group of its own, so that Ctrl-C reaches only the one
 * who knows in which order all of them have to stop.
 */
export function startChild({
  name,
  command,
  env,
  cwd,
  output,
  stopSignal = 'SIGTERM',
  privileges = [],
}: ChildOptions): Child {
  const sink = output === 'inherit' ? 'inherit' : openSync(output, 'a');
  const child = spawn('setpriv', ['--pdeathsig', stopSignal.slice(3), ...privileges, '--', ...command], {
    stdio: ['ignore', sink, sink],
    detached: true,
    env: environment(env ?? {}),
    cwd,
  });
  const ended = endOf(child);
  return { name, pid: child.pid ?? 0, ended, stop: (grace = 15_000) => stop(child, ended, stopSignal, grace) };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function stop(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals, grace: number): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), grace);
  await ended;
  clearTimeout(timer);
}
