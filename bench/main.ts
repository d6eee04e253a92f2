import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startServices, stopChildren } from '../shared/local/services.ts';
import { smoke } from './smoke.ts';
import { storm } from './storm.ts';
import { timing } from './timing.ts';
import type { BenchOptions } from './with-cluster.ts';

const USAGE = `npm run bench -- smoke [--rate=N | --window=N] [--messages=N] [--kill-worker]
  measures throughput and latency, then checks every message
  --rate=N       offers N messages a second. Default: a closed loop, as fast as it goes
  --window=N     closed loop only: N messages in flight on each of the 200 sockets. Default: 5
  --messages=N   sends N messages in all. Default: 20000
  --kill-worker  kills one of the two workers in the middle, with SIGKILL
npm run bench -- storm
  measures 500 messages a second, in turns without and with 200 clients that log in repeatedly
npm run bench -- timing
  measures whether the time of a login's answer reveals that an account exists`;
const EXIT_USAGE = 64;
const MAX_PRINTED_ERRORS = 20;

type Benchmark = (options: BenchOptions) => Promise<string[]>;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const print = (line: string) => void process.stdout.write(`${line}\n`);

/**
 * @returns the benchmark that the command line names, or undefined if it names none
 * @throws Error that names an option that is unknown or has a bad value
 */
function parseCommandLine(): Benchmark | undefined {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rate: { type: 'string' },
      window: { type: 'string' },
      messages: { type: 'string' },
      'kill-worker': { type: 'boolean' },
    },
  });
  const smokeOptions = {
    messagesPerSecond: parseCount('--rate', values.rate),
    window: parseCount('--window', values.window),
    messages: parseCount('--messages', values.messages),
    killWorker: values['kill-worker'],
  };
  const benchmarks = new Map<string, Benchmark>([
    ['smoke', (options) => smoke({ ...options, ...smokeOptions })],
    ['storm', storm],
    ['timing', timing],
  ]);
  return positionals.length === 1 ? benchmarks.get(positionals[0] as string) : undefined;
}

function parseCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} must be a whole number from 1 on`);
  return Number(text);
}

async function runWithServices(benchmark: Benchmark): Promise<string[]> {
  const home = mkdtempSync(join(tmpdir(), 'rooms-bench-'));
  const services = await startServices({
    home,
    binaries: join(resolve(process.env.ROOMS_HOME || join(root, '.rooms')), 'bin'),
    databaseUrl: process.env.DATABASE_URL || undefined,
    redisUrl: process.env.REDIS_URL || undefined,
    print,
  });
  try {
    return await benchmark({ ...services, print });
  } finally {
    await stopChildren(services.children);
    rmSync(home, { recursive: true, force: true });
  }
}

function exitWithUsage(reason = ''): never {
  print(`${reason}${USAGE}`);
  process.exit(EXIT_USAGE);
}

let benchmark: Benchmark | undefined;
try {
  benchmark = parseCommandLine();
} catch (error) {
  exitWithUsage(`${(error as Error).message}\n\n`);
}
const errors = await runWithServices(benchmark ?? exitWithUsage());
for (const error of errors.slice(0, MAX_PRINTED_ERRORS)) print(`ERROR: ${error}`);
if (errors.length > 0) print(`${errors.length} errors`);
else if (benchmark !== timing)
  print('exact: stored once, without a gap, and received by every member once and in order');
process.exitCode = errors.length === 0 ? 0 : 1;
