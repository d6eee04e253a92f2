import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Cluster } from '../../shared/local/cluster.ts';
import type { Services } from '../../shared/local/services.ts';
import { migrate } from '../../sql/migrate.ts';
import { binaries, withServices } from '../with-services.ts';
import { getK6 } from './get-k6.ts';

// npm run k6: starts Rooms on this machine and runs each k6 script for ten seconds.

/** The scripts, and the rate of each. */
const SCRIPTS = { chat: '100', rest: '10', reconnect: '' };
const USERS = 100;
/** This run checks that everything is right, also on a slow machine. So the limits of latency are high. */
const SETTINGS = {
  SECONDS: '10',
  ...Object.fromEntries(
    ['ACK', 'DELIVERY', 'READ', 'WRITE', 'RECONNECT', 'CATCH_UP'].map((limit) => [`${limit}_P99_MS`, '5000']),
  ),
};

const root = dirname(dirname(import.meta.dirname));
const home = mkdtempSync(join(tmpdir(), 'rooms-k6-'));
const print = (line: string) => void process.stdout.write(`${line}\n`);

/** @returns the names of the scripts that failed */
async function runScripts(k6: string, { databaseUrl, redisUrl }: Services): Promise<string[]> {
  await migrate(databaseUrl);
  const cluster = await Cluster.start({ databaseUrl, redisUrl, logs: home, gateways: 1, workers: 1 });
  try {
    const usersFile = await makeLoadUsers(databaseUrl, cluster.secret);
    const failed: string[] = [];
    for (const [script, rate] of Object.entries(SCRIPTS)) {
      const settings = { URL: cluster.urls[0] as string, USERS: usersFile, RATE: rate, ...SETTINGS };
      if (!(await succeeds(k6, script, settings))) failed.push(script);
    }
    return failed;
  } finally {
    await cluster.stop();
  }
}

async function makeLoadUsers(databaseUrl: string, secret: string): Promise<string> {
  const file = join(home, 'load-users.json');
  const env = { ...process.env, DATABASE_URL: databaseUrl, API_SECRET: secret, ENVIRONMENT: 'dev' };
  const args = [join(root, 'workers/admin.ts'), 'load-users', `${USERS}`, `--file=${file}`];
  print((await promisify(execFile)(process.execPath, args, { env })).stdout);
  return file;
}

/** k6 ends with another exit code than 0 if a threshold fails. */
async function succeeds(k6: string, script: string, settings: Record<string, string>): Promise<boolean> {
  const options = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const args = ['run', '--quiet', '--no-usage-report', ...options, join(import.meta.dirname, `${script}.js`)];
  const child = spawn(k6, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = await once(child, 'exit');
  return code === 0;
}

async function main(): Promise<number> {
  const k6 = await getK6(binaries, print);
  if (!k6) {
    print('the k6 scripts were not run');
    return 0;
  }
  const failed = await withServices(print, (services) => runScripts(k6, services));
  if (failed.length > 0) print(`failed: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} finally {
  rmSync(home, { recursive: true, force: true });
}
