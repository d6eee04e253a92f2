import { readdirSync, readFileSync } from 'node:fs';

/** Sends a signal to a process and its children. The backends of Postgres are children that leave its process group. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const child of childrenOf(pid)) sendSignal(child, signal);
  sendSignal(pid, signal);
}

export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function childrenOf(pid: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((child) => parentOf(child) === pid).map(Number);
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    // The process has ended since the folder was read.
    return undefined;
  }
}

/** @returns the resident memory in MiB and the number of file descriptors; 0 for a process that has ended */
export function measureProcess(pid: number): { memoryMiB: number; descriptors: number } {
  try {
    const kb = Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    return { memoryMiB: kb / 1_024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
  } catch {
    return { memoryMiB: 0, descriptors: 0 };
  }
}
