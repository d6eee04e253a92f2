import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const main = join(import.meta.dirname, '../../workers/admin.ts');

/** Starts `npm run admin -- ...`, and does not wait for its end. */
export function startAdmin(env: Record<string, string>, ...words: string[]): ChildProcess {
  return spawn(process.execPath, [main, ...words], { env: { ...process.env, ...env } });
}

/** Runs `npm run admin -- ...` with these variables. @returns the exit code and the output */
export async function runAdminWith(
  env: Record<string, string>,
  ...words: string[]
): Promise<[exitCode: number, output: string]> {
  const child = startAdmin(env, ...words);
  const streams = [child.stdout, child.stderr].map((stream) => text(stream as NodeJS.ReadableStream));
  const [[code], ...outputs] = await Promise.all([once(child, 'close'), ...streams]);
  return [code, outputs.join('')];
}

/** Runs `npm run admin -- ...`. @returns the exit code and the output */
export function runAdmin(databaseUrl: string, ...words: string[]): Promise<[exitCode: number, output: string]> {
  return runAdminWith({ DATABASE_URL: databaseUrl }, ...words);
}
