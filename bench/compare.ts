import { median } from './latency.ts';
import { type Figures, formatNumber, type Result } from './measure.ts';
import { withNewDatabase } from './new-database.ts';
import type { BenchOptions } from './with-cluster.ts';

/**
 * Runs a benchmark with two checkouts of Rooms in turns, each time with a new database. Prints each figure of both, and
 * how many times as large the figure of the first one is.
 * @param checkouts the folders. Undefined: this checkout.
 */
export async function compareCheckouts(
  options: BenchOptions,
  checkouts: [string | undefined, string],
  times: number,
  run: (options: BenchOptions) => Promise<Result>,
): Promise<Result> {
  const errors: string[] = [];
  const results: [Figures[], Figures[]] = [[], []];
  for (let round = 1; round <= times; round++)
    for (const side of [0, 1] as const) {
      const name = checkouts[side] ?? 'this checkout';
      options.print(`--- ${name}, run ${round} of ${times}`);
      const result = await withNewDatabase(options, (each) => run({ ...each, checkout: checkouts[side] }));
      errors.push(...result.errors.map((error) => `${name}, run ${round}: ${error}`));
      results[side].push(result.figures);
    }
  options.print(`${checkouts[0] ?? 'this checkout'} / ${checkouts[1]}: medians, and the ratio of each pair of runs`);
  for (const line of compareFigures(...results)) options.print(line);
  return { errors, figures: {} };
}

/** @returns one line for each figure: the medians of both, the median of the ratios, the smallest and the largest ratio */
export function compareFigures(first: Figures[], second: Figures[]): string[] {
  return Object.keys(first[0] ?? {}).map((name) => {
    const [mine, other] = [first, second].map((runs) => runs.map((figures) => figures[name] ?? Number.NaN));
    const ratios = (mine as number[]).map((value, run) => value / ((other as number[])[run] as number));
    const medians = [mine, other].map((values) => formatNumber(median(values as number[])).padStart(10)).join(' / ');
    const spread = `${formatNumber(Math.min(...ratios))} to ${formatNumber(Math.max(...ratios))}`;
    return `  ${name.padEnd(34)} ${medians}   ratio ${formatNumber(median(ratios))} (${spread})`;
  });
}
