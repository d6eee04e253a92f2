import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { compareCheckouts } from './compare.ts';
import type { Result } from './measure.ts';
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
}

/**
 * @returns a function that runs the scenario which the command line names, with its options
 * @throws Error as {@link readScenario}
 */
export function parseCommandLine(args: string[]): (options: BenchOptions) => Promise<Result> {
  const { scenario, options, size, checkout, against, times } = readScenario(args);
  const run = (each: BenchOptions) =>
    withCluster({ ...each, ...size }, scenario.size, (system) => scenario.measure(system, options));
  if (against) return (each) => compareCheckouts(each, [checkout, against], times, run);
  return (each) => run({ ...each, checkout });
}

/** @throws Error that names the scenario or the option which is unknown or has a wrong value */
export function readScenario(args: string[]): CommandLine {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(Object.keys(numberOptions).map((name) => [name, { type: 'string' } as const])),
      'kill-worker': { type: 'boolean' },
      checkout: { type: 'string' },
      against: { type: 'string' },
    },
  });
  const name = positionals[0] ?? '';
  const scenario = (SCENARIOS as Record<string, Scenario>)[name];
  if (!scenario || positionals.length > 1) throw new Error('name one scenario');
  const { 'kill-worker': killWorker, checkout, against, ...texts } = values;
  const entries = Object.entries(texts).map(([option, text]) => [option, parseCount(option, text as string)]);
  const { gateways, workers, times = 5, ...numbers } = Object.fromEntries(entries);
  const options: ScenarioOptions = { ...numbers, ...(killWorker && { killWorker: true }) };
  const unused = Object.keys(options).find((option) => !(scenario.options as string[]).includes(option));
  if (unused) throw new Error(`${name} has no option ${unused}`);
  const size = { ...(gateways && { gateways }), ...(workers && { workers }) };
  return { scenario, options, size, times, checkout: toFolder(checkout), against: toFolder(against) };
}

export function usage(): string {
  const scenarios = Object.entries(SCENARIOS as Record<string, Scenario>).map(([name, { purpose, options }]) => {
    return `  ${name.padEnd(10)} ${purpose}${options.length > 0 ? ` (${options.join(', ')})` : ''}`;
  });
  const numbers = Object.entries(numberOptions).map(([name, text]) => `  ${`--${name}=N`.padEnd(16)} ${text}`);
  return ['npm run bench -- <scenario> [options]', ...scenarios, ...numbers, ...OTHER_OPTIONS].join('\n');
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
