import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServices, stopChildren } from '../shared/local/services.ts';
import { parseCommandLine, usage } from './command-line.ts';
import type { Result } from './measure.ts';
import type { BenchOptions } from './with-cluster.ts';

const EXIT_USAGE = 64;
const MAX_PRINTED_ERRORS = 20;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const print = (line: string) => void process.stdout.write(`${line}\n`);

const errors = await startServicesAndMeasure(readCommandLine());
for (const error of errors.slice(0, MAX_PRINTED_ERRORS)) print(`ERROR: ${error}`);
print(errors.length > 0 ? `${errors.length} errors` : 'no errors');
process.exitCode = errors.length === 0 ? 0 : 1;

function readCommandLine(): (options: BenchOptions) => Promise<Result> {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    print(`${(error as Error).message}\n\n${usage()}`);
    process.exit(EXIT_USAGE);
  }
}

async function startServicesAndMeasure(run: (options: BenchOptions) => Promise<Result>): Promise<string[]> {
  const home = mkdtempSync(join(tmpdir(), 'rooms-bench-'));
  const services = await startServices({
    home,
    binaries: join(resolve(process.env.ROOMS_HOME || join(root, '.rooms')), 'bin'),
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    print,
  });
  try {
    return (await run({ ...services, print })).errors;
  } finally {
    await stopChildren(services.children);
    rmSync(home, { recursive: true, force: true });
  }
}
