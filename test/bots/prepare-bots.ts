import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { binaries } from '../../bench/with-services.ts';
import { installPython, lastLineOf } from '../support/installed-python.ts';

const run = promisify(execFile);
const examples = join(import.meta.dirname, '../../shared/client/examples');

/** The libraries with which the bots are tested. */
const WEBSOCKETS_OF_PYTHON = 'websockets==17.4';
const WEBSOCKET_OF_GO = 'github.com/coder/websocket@v1.8.15';

export interface Bot {
  language: string;
  /** The program and its first arguments. Undefined if it cannot run here. */
  command: string[] | undefined;
  /** Why it cannot run here. */
  why: string;
}

/** Installs what the bots need, into a folder beside the repository's files. The next time, it is there already. */
export function prepareBots(): Promise<Bot[]> {
  return Promise.all([prepare('Python', preparePython), prepare('Go', prepareGo)]);
}

async function prepare(language: string, makeCommand: () => Promise<string[]>): Promise<Bot> {
  try {
    return { language, command: await makeCommand(), why: '' };
  } catch (error) {
    return { language, command: undefined, why: `the bot in ${language} cannot run here: ${lastLineOf(error)}` };
  }
}

async function preparePython(): Promise<string[]> {
  const programs = await installPython('bot-python', WEBSOCKETS_OF_PYTHON);
  return [join(programs, 'python'), join(examples, 'bot.py')];
}

async function prepareGo(): Promise<string[]> {
  const cwd = join(binaries, 'bot-go');
  mkdirSync(cwd, { recursive: true, mode: 0o700 });
  copyFileSync(join(examples, 'bot.go'), join(cwd, 'bot.go'));
  if (!existsSync(join(cwd, 'go.mod'))) await run('go', ['mod', 'init', 'bot'], { cwd });
  await run('go', ['get', WEBSOCKET_OF_GO], { cwd });
  await run('go', ['build', '-o', 'bot', 'bot.go'], { cwd });
  return [join(cwd, 'bot')];
}
