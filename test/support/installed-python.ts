import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { binaries } from '../../bench/with-services.ts';

const run = promisify(execFile);

/**
 * Installs a Python package into a folder beside the repository's files. The next time, it is there already.
 * @param requirement the package and its version, such as `websockets==17.4`
 * @returns the folder with `python` and the programs of the package
 * @throws Error if there is no Python 3, or if the package cannot be downloaded
 */
export async function installPython(folderName: string, requirement: string): Promise<string> {
  const programs = join(binaries, folderName, 'bin');
  const python = join(programs, 'python');
  if (!existsSync(python)) await run('python3', ['-m', 'venv', join(binaries, folderName)]);
  const [name, version] = requirement.split('==');
  const check = `from importlib.metadata import version; assert version('${name}') == '${version}'`;
  const isInstalled = run(python, ['-c', check]);
  await isInstalled.catch(() => run(python, ['-m', 'pip', 'install', '--quiet', requirement]));
  return programs;
}

/** @returns the last line that a failed program wrote, or the error */
export function lastLineOf(error: unknown): string {
  const lines = ((error as { stderr?: string }).stderr || String(error)).trim().split('\n');
  return lines.at(-1) ?? '';
}
