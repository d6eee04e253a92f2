import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Mutant } from './mutants.ts';

const root = join(import.meta.dirname, '../..');
/** For a test file. A test that a mutant blocks has its own, shorter timeout. */
const TEST_TIMEOUT_MS = 120_000;

/**
 * Runs the test that must catch the mutant, with the mutant or without it. Needs the services of `npm test`.
 * @returns whether exactly this test failed, and what it printed
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
  return { hasFailed: has(` *not ok \\d+ - ${title}`), hasPassed: has(` *ok \\d+ - ${title}`), output };
}
