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
  --rate=N       sends N messages a second. Default: each socket sends its next message when an earlier one is acked
  --window=N     without --rate only: each of the 200 sockets has N messages without an ack. Default: 5
  --messages=N   sends N messages in all. Default: 20000
  --kill-worker  kills one of the two workers with SIGKILL, after half of the messages
npm run bench -- storm
  sends 500 messages a second, in turns without and with 200 clients that log in repeatedly, and measures the latency
npm run bench -- timing
  measures whether the time of a login shows that an account exists`;
const EXIT_USAGE = 64;
const MAX_PRINTED_ERRORS = 20;

type Benchmark = (options: BenchOptions) => Promise<string[]>;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const print = (line: string) => void process.stdout.write(`${line}\n`);

/**
 * @returns the benchmark that the command line names, or undefined if there is no such benchmark
 * @throws Error that names the option which is unknown or has a wrong value
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
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`${option} must be a whole number, at least 1`);
  return Number(text);
}

async function startServicesAndMeasure(benchmark: Benchmark): Promise<string[]> {
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
const errors = await startServicesAndMeasure(benchmark ?? exitWithUsage());
for (const error of errors.slice(0, MAX_PRINTED_ERRORS)) print(`ERROR: ${error}`);
if (errors.length > 0) print(`${errors.length} errors`);
else if (benchmark !== timing)
  print('no errors: each message is stored once, without a gap, and every member received it once and in order');
process.exitCode = errors.length === 0 ? 0 : 1;
