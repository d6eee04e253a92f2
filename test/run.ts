import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startServices, stopChildren } from '../shared/local/services.ts';

// npm test [-- file ...]: starts Postgres and Redis (or uses those of DATABASE_URL and REDIS_URL), then the test runner.

/** Some files wait most of the time, so one more file than the machine has cores keeps the cores busy. */
const filesAtOnce = availableParallelism() + 1;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const home = mkdtempSync(join(tmpdir(), 'rooms-test-'));
const files = process.argv.slice(2);
const tests =
  files.length > 0 ? files : globSync('{gateway,workers,shared,sql,bench,test}/**/*.test.ts', { cwd: root });

const services = await startServices({
  home,
  binaries: join(resolve(process.env.ROOMS_HOME || join(root, '.rooms')), 'bin'),
  databaseUrl: process.env.DATABASE_URL || undefined,
  redisUrl: process.env.REDIS_URL || undefined,
  print: (line) => process.stdout.write(`${line}\n`),
});
const runner = spawn(
  process.execPath,
  ['--test', `--test-concurrency=${filesAtOnce}`, '--test-reporter=spec', '--test-timeout=180000', ...tests.sort()],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      TEST_HOME: home,
      TEST_DATABASE_URL: services.databaseUrl,
      TEST_REDIS_URL: services.redisUrl,
      DATABASE_URL: '',
      REDIS_URL: '',
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
const [code] = await once(runner, 'exit');
await stopChildren(services.children);
if (!process.env.KEEP) rmSync(home, { recursive: true, force: true });
process.exit(code ?? 1);
