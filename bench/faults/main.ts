import { readFaultOptions, USAGE } from './command-line.ts';
import { hasFakeClock } from './fake-clock.ts';
import { runLong } from './long-run.ts';
import { type RunResult, runScenario } from './run-scenario.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { drawTable, type ScenarioResults } from './table.ts';

// npm run faults: breaks a real system on purpose and checks that nothing is lost (docs/faults.md).

const EXIT_USAGE = 64;
const MAX_PRINTED = 10;

const print = (line: string) => void process.stdout.write(`${line}\n`);

const options = readOptions();
const { scenarios, seeds, minutes, checkout } = options;
const results: ScenarioResults[] = minutes
  ? await runLong({ scenarios, seed: seeds[0] as number, minutes, checkout, print })
  : await runAll();
print(`\n${drawTable(results)}`);
const runs = results.flatMap((each) => each.runs);
process.exitCode = runs.some(({ violations, misses }) => violations.length + misses.length > 0) ? 1 : 0;

async function runAll(): Promise<ScenarioResults[]> {
  const all: ScenarioResults[] = [];
  for (const scenario of scenarios) {
    if (scenario.needsFakeClock && !hasFakeClock) {
      print(`${scenario.name} is skipped, because libfaketime is not installed: apt-get install libfaketime`);
      continue;
    }
    const each: ScenarioResults = { scenario, runs: [] };
    all.push(each);
    for (const seed of seeds) each.runs.push(await runOne(scenario, seed));
  }
  return all;
}

async function runOne(scenario: Scenario, seed: number): Promise<RunResult> {
  print(`${scenario.name}, seed ${seed}: ${scenario.what} ...`);
  const result = await runScenario(scenario, seed, checkout);
  for (const line of [...result.violations.map((text) => `VIOLATION ${text}`), ...result.misses].slice(0, MAX_PRINTED))
    print(`  ${line}`);
  const measured = Object.entries(result.measured).map(([name, value]) => `${name} ${Math.round(value)}`);
  if (measured.length > 0) print(`  ${measured.join(', ')}`);
  if (result.violations.length > 0) print(`  repeat it: npm run faults -- --only=${scenario.name} --seed=${seed}`);
  return result;
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
