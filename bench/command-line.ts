import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareCheckouts } from './compare.ts';
import type { Result } from './measure.ts';
import { withNewDatabase } from './new-database.ts';
import { REPORT_SIZES, writeReport } from './report.ts';
import { NUMBER_OPTIONS, SCENARIOS, type Scenario, type ScenarioOptions } from './scenarios.ts';
import { type BenchOptions, withCluster } from './with-cluster.ts';

const COMMON_OPTIONS = {
  gateways: 'starts N gateways',
  workers: 'starts N workers',
  times: 'with --against only: runs each checkout N times. Default: 5',
};
const numberOptions: Record<string, string> = { ...NUMBER_OPTIONS, ...COMMON_OPTIONS };

const OTHER_OPTIONS = [
  '  --kill-worker    kills one of the two workers with SIGKILL, after half of the messages',
  '  --stages         prints how long messages stay in each stage. The measurement itself costs processor time',
  '  --checkout=DIR   runs the gateways and workers of another checkout of Rooms',
  '  --against=DIR    runs this checkout (or --checkout) and another one in turns, and prints the ratios',
];

interface CommandLine {
  scenario: Scenario;
  options: ScenarioOptions;
  size: { gateways?: number; workers?: number };
  checkout: string | undefined;
  against: string | undefined;
  times: number;
  stages: boolean;
}

/**
 * @returns a function that runs the scenario which the command line names, with its options
 * @throws Error as {@link readScenario}
 */
export function parseCommandLine(args: string[]): (options: BenchOptions) => Promise<Result> {
  if (args[0] === 'report') return parseReport(args.slice(1));
  const { scenario, options, size, checkout, against, times, stages } = readScenario(args);
  const run = (each: BenchOptions) =>
    withCluster({ ...each, ...size, stages }, scenario.size, (system) => scenario.measure(system, options));
  if (against) return (each) => compareCheckouts(each, [checkout, against], times, run);
  return (each) => run({ ...each, checkout });
}

/** `report` runs many scenarios, each with a new database and new processes. */
function parseReport(args: string[]): (options: BenchOptions) => Promise<Result> {
  const { values } = parseArgs({ args, options: { seconds: { type: 'string' } } });
  const sizes = { ...REPORT_SIZES, ...(values.seconds && { seconds: parseCount('seconds', values.seconds) }) };
  return (services) => {
    const run = (name: keyof typeof SCENARIOS, options: ScenarioOptions) => {
      const { size, measure }: Scenario = SCENARIOS[name];
      return withNewDatabase(services, (each) => withCluster(each, size, (system) => measure(system, options)));
    };
    return writeReport({ folder: import.meta.dirname, sizes, run, print: services.print });
  };
}

/** @throws Error that names the scenario or the option which is unknown or has a wrong value */
export function readScenario(args: string[]): CommandLine {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(Object.keys(numberOptions).map((name) => [name, { type: 'string' } as const])),
      'kill-worker': { type: 'boolean' },
      stages: { type: 'boolean' },
      checkout: { type: 'string' },
      against: { type: 'string' },
    },
  });
  const name = positionals[0] ?? '';
  const scenario = (SCENARIOS as Record<string, Scenario>)[name];
  if (!scenario || positionals.length > 1) throw new Error('name one scenario');
  const { 'kill-worker': killWorker, stages = false, checkout, against, ...texts } = values;
  const entries = Object.entries(texts).map(([option, text]) => [option, parseCount(option, text as string)]);
  const { gateways, workers, times = 5, ...numbers } = Object.fromEntries(entries);
  const options: ScenarioOptions = { ...numbers, ...(killWorker && { killWorker: true }) };
  const unused = Object.keys(options).find((option) => !(scenario.options as string[]).includes(option));
  if (unused) throw new Error(`${name} has no option ${unused}`);
  const size = { ...(gateways && { gateways }), ...(workers && { workers }) };
  return { scenario, options, size, times, stages, checkout: toFolder(checkout), against: toFolder(against) };
}

export function usage(): string {
  const scenarios = Object.entries(SCENARIOS as Record<string, Scenario>).map(([name, { purpose, options }]) => {
    return `  ${name.padEnd(10)} ${purpose}${options.length > 0 ? ` (${options.join(', ')})` : ''}`;
  });
  const numbers = Object.entries(numberOptions).map(([name, text]) => `  ${`--${name}=N`.padEnd(16)} ${text}`);
  const report = '  report     runs all that measure, and writes bench/report.md with its plots (seconds)';
  return ['npm run bench -- <scenario> [options]', ...scenarios, report, ...numbers, ...OTHER_OPTIONS].join('\n');
}

function toFolder(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!existsSync(join(text, 'gateway/main.ts'))) throw new Error(`${text} is not a checkout of Rooms`);
  return resolve(text);
}

/** @throws Error that names the option */
export function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option} must be a whole number, at least 1`);
  return Number(text);
}
