import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const main = join(import.meta.dirname, '../../workers/admin.ts');

/** Runs `npm run admin -- ...`. @returns the exit code and the output */
export async function runAdmin(databaseUrl: string, ...words: string[]): Promise<[exitCode: number, output: string]> {
  const env = { ...process.env, DATABASE_URL: databaseUrl };
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [main, ...words], { env });
    return [0, stdout];
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return [code, stdout + stderr];
  }
}
