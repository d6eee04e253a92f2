import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withServices } from '../../bench/with-services.ts';
import { type Mutant, mutants } from './mutants.ts';
import { runTest } from './run-mutant.ts';

// npm run mutants [-- name ...]: for each mutant, runs the test that must catch it. Also runs the test without the mutant:
// it must pass then. Ends with 1 if a mutant was not caught.

const print = (line: string) => process.stdout.write(`${line}\n`);
const names = process.argv.slice(2);
const chosen = mutants.filter(({ name }) => names.length === 0 || names.includes(name));
const home = mkdtempSync(join(tmpdir(), 'rooms-mutants-'));

async function report(mutant: Mutant): Promise<void> {
  const [without, within] = [await runTest(mutant, false), await runTest(mutant, true)];
  const isCaught = without.hasPassed && within.hasFailed;
  print(`${isCaught ? 'caught    ' : 'NOT CAUGHT'}  ${mutant.name}, by ${mutant.caughtBy.file}`);
  if (isCaught) return;
  print(without.hasPassed ? within.output : without.output);
  process.exitCode = 1;
}

await withServices(print, async ({ databaseUrl, redisUrl }) => {
  Object.assign(process.env, { TEST_HOME: home, TEST_DATABASE_URL: databaseUrl, TEST_REDIS_URL: redisUrl });
  for (const mutant of chosen) await report(mutant);
});
rmSync(home, { recursive: true, force: true });
