import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SCENARIOS, type Scenario } from './scenarios.ts';

export interface FaultOptions {
  scenarios: Scenario[];
  seeds: number[];
  /** Runs random scenarios in one system for this time. Undefined: runs each scenario in a system of its own. */
  minutes: number | undefined;
  checkout: string | undefined;
}

export const USAGE = `npm run faults                      runs each scenario once, with the seed 1
  --only=TEXT[,TEXT]   runs the scenarios whose names contain one of the texts
  --seeds=N            runs each scenario with the seeds 1 to N
  --seed=N             runs each scenario with the seed N only: repeats a run of the table
  --minutes=N          runs random scenarios in one system for N minutes, and draws its memory and descriptors
  --rate=N             sends N commands a second. Default: 300
  --checkout=DIR       runs the processes of another checkout of Rooms
  --list               prints the scenarios`;

/** @throws Error that names a wrong option */
export function readFaultOptions(args: string[]): FaultOptions | 'list' {
  const text = { type: 'string' } as const;
  const options = {
    only: text,
    seeds: text,
    seed: text,
    minutes: text,
    rate: text,
    checkout: text,
    list: { type: 'boolean' } as const,
  };
  const { values } = parseArgs({ args, options });
  if (values.list) return 'list';
  const seedCount = readCount('seeds', values.seeds) ?? 1;
  const seed = readCount('seed', values.seed);
  const rate = readCount('rate', values.rate);
  return {
    scenarios: findScenarios(values.only).map((scenario) => withRate(scenario, rate)),
    seeds: seed ? [seed] : Array.from({ length: seedCount }, (_, index) => index + 1),
    minutes: readCount('minutes', values.minutes),
    checkout: values.checkout && resolve(values.checkout),
  };
}

function withRate(scenario: Scenario, rate: number | undefined): Scenario {
  return rate ? { ...scenario, traffic: { ...scenario.traffic, rate } } : scenario;
}

function findScenarios(only: string | undefined): Scenario[] {
  if (!only) return SCENARIOS;
  const exact = SCENARIOS.filter(({ name }) => name === only);
  if (exact.length > 0) return exact;
  const texts = only.split(',');
  const found = SCENARIOS.filter(({ name }) => texts.some((text) => name.includes(text)));
  if (found.length === 0) throw new Error(`no scenario has "${only}" in its name`);
  return found;
}

function readCount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} must be a whole number, at least 1`);
  return Number(text);
}
