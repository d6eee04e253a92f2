import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A program that neither npm nor Debian has. */
export interface GoProgram {
  /** The name of the executable file. */
  name: string;
  /** The package with its version, for `go install`. */
  goPackage: string;
}

/** @returns the path of the program on the PATH or in the folder, or undefined if it is in neither */
export async function findProgram(name: string, binaries: string): Promise<string | undefined> {
  for (const command of [name, join(binaries, name)]) if (await works(command)) return command;
  return undefined;
}

/**
 * Finds a program on the PATH or in the folder. If it is in neither, builds it with Go into the folder, which takes a few
 * minutes.
 * @param binaries the absolute path of the folder
 * @returns the path of the program, or undefined after a line that says why there is none
 */
export async function getGoProgram(
  { name, goPackage }: GoProgram,
  binaries: string,
  print: (line: string) => void,
): Promise<string | undefined> {
  const found = await findProgram(name, binaries);
  if (found) return found;
  if (!(await works('go'))) {
    print(`${name} is not installed, and without Go it cannot be built: install one of them, then run this again`);
    return undefined;
  }
  print(`${name} is not installed: building it with Go (${goPackage}) ...`);
  mkdirSync(binaries, { recursive: true, mode: 0o700 });
  try {
    await run('go', ['install', goPackage], { env: { ...process.env, GOBIN: binaries }, maxBuffer: 2 ** 24 });
    return join(binaries, name);
  } catch (error) {
    const lines = ((error as { stderr?: string }).stderr || String(error)).trim().split('\n');
    print(`${name} could not be built: ${lines.at(-1)}`);
    return undefined;
  }
}

/** All these programs print their version. */
async function works(command: string): Promise<boolean> {
  try {
    await run(command, ['version']);
    return true;
  } catch {
    return false;
  }
}
