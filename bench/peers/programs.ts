import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Child, startChild } from '../../shared/local/child.ts';

const CONNECT_AGAIN_AFTER_MS = 25;

/**
 * Starts a program of the folder `servers` as a process of its own.
 * @param logs the folder for the output of the process
 */
export function startProgram(logs: string, program: string, args: string[]): Child {
  return startChild({
    name: program,
    command: [process.execPath, join(import.meta.dirname, 'servers', `${program}.ts`), ...args],
    output: join(logs, `${program}.log`),
  });
}

/** Resolves when the process listens on the port of 127.0.0.1. @throws Error with its log if it ends before that */
export async function waitUntilListening(child: Child, port: number, logs: string): Promise<void> {
  let ending: string | undefined;
  void child.ended.then((reason) => {
    ending = reason;
  });
  while (!(await canConnect(port))) {
    const log = () => readFileSync(join(logs, `${child.name}.log`), 'utf8');
    if (ending) throw new Error(`${child.name} ended (${ending}):\n${log()}`);
    await wait(CONNECT_AGAIN_AFTER_MS);
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
