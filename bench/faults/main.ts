import { readFaultOptions, USAGE } from './command-line.ts';
import { hasFakeClock } from './fake-clock.ts';
import { runLong } from './long-run.ts';
import { reportRun } from './report-run.ts';
import { type RunResult, runScenario } from './run-scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { drawTable, type ScenarioResults } from './table.ts';

// npm run faults: breaks a real system on purpose and checks that nothing is lost (docs/faults.md).

const EXIT_USAGE = 64;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const options = readOptions();
const { scenarios, seeds, minutes, checkout } = options;
const results: ScenarioResults[] = minutes
  ? await runLong({ scenarios, seed: seeds[0] as number, minutes, checkout, print })
  : await runAll();
print(`\n${drawTable(results)}`);
const isBad = ({ violations, misses }: RunResult) => violations.length + misses.length > 0;
process.exitCode = results.some(({ runs, failures }) => failures.length > 0 || runs.some(isBad)) ? 1 : 0;

async function runAll(): Promise<ScenarioResults[]> {
  const all: ScenarioResults[] = [];
  for (const scenario of scenarios) {
    if (scenario.needsFakeClock && !hasFakeClock) {
      print(`${scenario.name} is skipped, because libfaketime is not installed: apt-get install libfaketime`);
      continue;
    }
    const each: ScenarioResults = { scenario, runs: [], failures: [] };
    all.push(each);
    for (const seed of seeds) await reportRun(each, seed, () => runScenario(scenario, seed, checkout), print);
  }
  return all;
}

function readOptions() {
  try {
    const read = readFaultOptions(process.argv.slice(2));
    if (read !== 'list') return read;
    for (const { name, what } of SCENARIOS) print(`${name.padEnd(34)}${what}`);
    process.exit(0);
  } catch (error) {
    print(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}
