import type { RunResult } from './run-scenario.ts';
import type { ScenarioResults } from './table.ts';

const MAX_PRINTED = 10;

/** Runs a scenario once, prints what it showed, and keeps it. A run that cannot be finished does not end the runs after it. */
export async function reportRun(
  { scenario, runs, failures }: ScenarioResults,
  seed: number,
  run: () => Promise<RunResult>,
  print: (line: string) => void,
): Promise<void> {
  print(`${scenario.name}, seed ${seed}: ${scenario.what} ...`);
  try {
    const result = await run();
    runs.push(result);
    for (const line of linesOf(result)) print(`  ${line}`);
  } catch (error) {
    failures.push(error as Error);
    print(`  FAILURE ${(error as Error).message}`);
  }
}

function linesOf({ figures, violations, misses, measured }: RunResult): string[] {
  const all = { acks: figures.acks, violations: violations.length, ...measured };
  const texts = Object.entries(all).map(([name, value]) => `${name} ${Math.round(value)}`);
  return [texts.join(', '), ...[...violations.map((text) => `VIOLATION ${text}`), ...misses].slice(0, MAX_PRINTED)];
}
