import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** npm has no package with k6. Debian has none either. */
const GO_PACKAGE = 'go.k6.io/k6@v1.8.1';

/**
 * Finds k6 on the PATH or in the folder. If it is in neither, builds it with Go into the folder, which takes one to
 * three minutes.
 * @param binaries the absolute path of the folder
 * @returns the path of k6, or undefined after a line that says why there is none
 */
export async function getK6(binaries: string, print: (line: string) => void): Promise<string | undefined> {
  const own = join(binaries, 'k6');
  for (const command of ['k6', own]) if (await works(command, 'version')) return command;
  if (!(await works('go', 'version'))) {
    print('k6 is not installed, and without Go it cannot be built: install one of them, then run this again');
    return undefined;
  }
  print(`k6 is not installed: building it with Go (${GO_PACKAGE}) ...`);
  mkdirSync(binaries, { recursive: true, mode: 0o700 });
  try {
    await run('go', ['install', GO_PACKAGE], { env: { ...process.env, GOBIN: binaries }, maxBuffer: 2 ** 24 });
    return own;
  } catch (error) {
    const lines = ((error as { stderr?: string }).stderr || String(error)).trim().split('\n');
    print(`k6 could not be built: ${lines.at(-1)}`);
    return undefined;
  }
}

async function works(command: string, word: string): Promise<boolean> {
  try {
    await run(command, [word]);
    return true;
  } catch {
    return false;
  }
}
