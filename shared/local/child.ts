import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { environment } from '../config.ts';

const STOP_TIMEOUT_MS = 15_000;

export interface Child {
  name: string;
  pid: number;
  /** Resolves when the process has ended, with its signal or exit code as text. Never rejects. */
  ended: Promise<string>;
  /** Asks the process to end. Kills it if it still runs after 15 seconds. */
  stop(): Promise<void>;
}

export interface ChildOptions {
  name: string;
  command: string[];
  env?: Record<string, string>;
  cwd?: string;
  /** The file that gets the output of the process, at its end. */
  output: string;
  stopSignal?: 'SIGTERM' | 'SIGINT';
  /** Further options of setpriv, which starts the process. */
  setprivOptions?: string[];
}

/**
 * Starts a child process. If this process ends, the kernel sends the child its stop signal, even if this process was
 * killed: setpriv (a part of every Debian and Ubuntu) asks the kernel for this. The child has its own process group, so
 * Ctrl-C does not reach it. Only this process knows in which order its children must stop.
 */
export function startChild(options: ChildOptions): Child {
  const { name, command, env = {}, cwd, output, stopSignal = 'SIGTERM', setprivOptions = [] } = options;
  const log = openSync(output, 'a');
  const child = spawn('setpriv', ['--pdeathsig', stopSignal.slice(3), ...setprivOptions, '--', ...command], {
    stdio: ['ignore', log, log],
    detached: true,
    env: environment(env),
    cwd,
  });
  closeSync(log);
  const ended = waitForEnd(child);
  return { name, pid: child.pid ?? 0, ended, stop: () => stop(child, ended, stopSignal) };
}

async function waitForEnd(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = await once(child, 'exit');
    return signal ?? `exit code ${code}`;
  } catch (error) {
    return (error as Error).message;
  }
}

async function stop(child: ChildProcess, ended: Promise<string>, signal: NodeJS.Signals): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
