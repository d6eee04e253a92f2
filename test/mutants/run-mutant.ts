import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Mutant } from './mutants.ts';

const root = join(import.meta.dirname, '../..');
/** A mutant can block its test without end. Node then ends the file with this test, and does not name the test. */
const TEST_TIMEOUT_MS = 60_000;
const TIMEOUT = /failureType: 'testTimeoutFailure'/;

/**
 * Runs the test that must catch the mutant, with the mutant or without it. Needs the services of `npm test`.
 * @returns whether exactly this test failed or was blocked, and what it printed
 */
export async function runTest(
  { name, caughtBy }: Mutant,
  withMutant: boolean,
): Promise<{ hasFailed: boolean; hasPassed: boolean; output: string }> {
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env; // With it, the child would report to this test run.
  const loader = { MUTANT: name, NODE_OPTIONS: `--import=${join(import.meta.dirname, 'loader.ts')}` };
  const title = caughtBy.title.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const options = [
    '--test-reporter=tap',
    '--test-force-exit',
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--test-name-pattern=^${title}$`,
  ];
  const child = spawn(process.execPath, ['--test', ...options, caughtBy.file], {
    ...{ cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...env, ...(withMutant && loader) } },
  });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  const has = (result: string) => output.split('\n').some((line) => line.match(result)?.[0] === line);
  const hasFailed = has(` *not ok \\d+ - ${title}`) || TIMEOUT.test(output);
  return { hasFailed, hasPassed: has(` *ok \\d+ - ${title}`), output };
}
