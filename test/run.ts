import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { binaries } from '../bench/with-services.ts';
import { startServices, stopChildren } from '../shared/local/services.ts';

// npm test [-- file ...]: starts Postgres and Redis, then the test runner. If DATABASE_URL or REDIS_URL is set, that
// service is used and not started.

/** Some files mostly wait. One more file than the machine has cores keeps all cores busy. */
const concurrentFiles = availableParallelism() + 2;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const testHome = mkdtempSync(join(tmpdir(), 'rooms-test-'));
const files = process.argv.slice(2);
/** These tests need Chromium. `npm run test:browser` runs them. */
const exclude = ['test/browser/**'];
const tests =
  files.length > 0 ? files : globSync('{gateway,workers,shared,sql,bench,test}/**/*.test.ts', { cwd: root, exclude });

const services = await startServices({
  home: testHome,
  binaries,
  databaseUrl: process.env.DATABASE_URL || undefined,
  redisUrl: process.env.REDIS_URL || undefined,
  print: (line) => process.stdout.write(`${line}\n`),
});
const runner = spawn(
  process.execPath,
  ['--test', `--test-concurrency=${concurrentFiles}`, '--test-reporter=spec', '--test-timeout=180000', ...tests.sort()],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      TEST_HOME: testHome,
      TEST_DATABASE_URL: services.databaseUrl,
      TEST_REDIS_URL: services.redisUrl,
      DATABASE_URL: '',
      REDIS_URL: '',
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
const [exitCode] = await once(runner, 'exit');
await stopChildren(services.children);
if (!process.env.KEEP) rmSync(testHome, { recursive: true, force: true });
process.exit(exitCode ?? 1);
