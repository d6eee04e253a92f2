import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { binaries } from '../bench/with-services.ts';
import { startServices, stopChildren } from '../shared/local/services.ts';
import { noteLongestFiles } from './support/longest-files.ts';
import { prepareTestPostgres } from './support/test-database.ts';

// npm test [-- file ...]: starts Postgres and Redis, then runs the test files. If DATABASE_URL or REDIS_URL is set, that
// service is used and not started.

/** Many files mostly wait. Some more files than the machine has cores keep all cores busy. */
const concurrency = availableParallelism() + 2;
const TEST_TIMEOUT_MS = 180_000;
/** Longer, so that the report names the test that does not end. */
const FILE_TIMEOUT_MS = 300_000;
/** These files start first. If a long file started last, the other cores would have no work at the end. */
const LONG_FILES = [
  ...['crashed-gateway', 'bench', 'brief-faults', 'limits', 'kept-refusals', 'mutants', 'races', 'deaf-links', 'start'],
  ...['outages', 'history', 'client-faults', 'faults', 'resume-outage', 'seed', 'roles', 'import-restart', 'matrix'],
].map((name) => `test/${name}.test.ts`);

process.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env;
const home = mkdtempSync(join(tmpdir(), 'rooms-test-'));
const services = await startServices({
  ...{ home, binaries, databaseUrl: databaseUrl || undefined, redisUrl: redisUrl || undefined },
  print: (line) => process.stdout.write(`${line}\n`),
});
const postgres = await prepareTestPostgres(services.databaseUrl, !databaseUrl);
Object.assign(process.env, {
  TEST_HOME: home,
  TEST_DATABASE_URL: services.databaseUrl,
  TEST_DATABASE_TEMPLATE: postgres.template,
  TEST_REDIS_URL: services.redisUrl,
  DATABASE_URL: '',
  REDIS_URL: '',
});

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
const execArgv = [`--test-timeout=${TEST_TIMEOUT_MS}`];
const tests = run({
  files: chosenFiles(),
  concurrency,
  timeout: FILE_TIMEOUT_MS,
  execArgv,
  signal: interrupted.signal,
});
tests.on('test:fail', () => {
  process.exitCode = 1;
});
const longestFiles = noteLongestFiles(tests);
const report = tests.compose(spec);
report.pipe(process.stdout);
await finished(report);
process.stdout.write(`\nThe longest files:\n${longestFiles()}`);

await postgres.drop();
await stopChildren(services.children);
if (!process.env.KEEP) rmSync(home, { recursive: true, force: true });
process.exit();

function chosenFiles(): string[] {
  const named = process.argv.slice(2);
  if (named.length > 0) return named;
  // These tests need more than Node: `npm run test:browser`, `test:bots` and `test:fuzz` run them.
  const all = globSync('{gateway,workers,shared,sql,bench,test}/**/*.test.ts', {
    exclude: ['test/{browser,bots,fuzz}/**'],
  });
  return [...LONG_FILES, ...all.filter((file) => !LONG_FILES.includes(file)).sort()];
}
