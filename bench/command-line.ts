import { parseArgs } from 'node:util';
import type { Result } from './measure.ts';
import { NUMBER_OPTIONS, SCENARIOS, type ScenarioOptions } from './scenarios.ts';
import type { BenchOptions } from './with-cluster.ts';

const COMMON_OPTIONS: string[] = ['gateways', 'workers'];
type NumberOption = keyof typeof NUMBER_OPTIONS;
const numberOptions = Object.keys(NUMBER_OPTIONS) as NumberOption[];

/**
 * @returns a function that runs the scenario which the command line names, with its options
 * @throws Error that names the scenario or the option which is unknown or has a wrong value
 */
export function parseCommandLine(args: string[]): (options: BenchOptions) => Promise<Result> {
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...(Object.fromEntries(numberOptions.map((name) => [name, { type: 'string' }])) as Record<
        NumberOption,
        { type: 'string' }
      >),
      'kill-worker': { type: 'boolean' },
    },
  });
  const scenario = SCENARIOS[positionals[0] ?? ''];
  if (!scenario || positionals.length > 1) throw new Error('name one scenario');
  const { 'kill-worker': killWorker, ...texts } = values;
  const numbers = Object.entries(texts).map(([name, text]) => [name, parseCount(name, text as string)]);
  const chosen: Partial<ScenarioOptions> = { ...Object.fromEntries(numbers), ...(killWorker && { killWorker }) };
  const allowed: string[] = [...scenario.options, ...COMMON_OPTIONS];
  const unused = Object.keys(chosen).find((name) => !allowed.includes(name));
  if (unused) throw new Error(`${positionals[0]} has no option ${unused}`);
  return (options) => scenario.run({ ...options, ...chosen });
}

export function usage(): string {
  const scenarios = Object.entries(SCENARIOS).map(([name, { purpose, options }]) => {
    return `  ${name.padEnd(10)} ${purpose}${options.length > 0 ? ` (${options.join(', ')})` : ''}`;
  });
  const numbers = numberOptions.map((name) => `  ${`--${name}=N`.padEnd(16)} ${NUMBER_OPTIONS[name]}`);
  return [
    'npm run bench -- <scenario> [options]',
    ...scenarios,
    ...numbers,
    '  --kill-worker    smoke only: kills one of the two workers with SIGKILL, after half of the messages',
  ].join('\n');
}

/** @throws Error that names the option */
export function parseCount(option: string, text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${option} must be a whole number, at least 1`);
  return Number(text);
}
