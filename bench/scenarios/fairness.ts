import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { variables } from '../../shared/config.ts';
import { HIGH_LIMITS } from '../../shared/local/cluster.ts';
import { type Account, createAccounts } from '../accounts.ts';
import { callApi } from '../call-api.ts';
import type { Attack } from '../fairness/attack.ts';
import { ACTIONS, type Action, Bystander, type Measurement } from '../fairness/bystander.ts';
import { type FairnessRow, ROWS } from '../fairness/rows.ts';
import type { Target } from '../fixture.ts';
import type { Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const actions = Object.keys(ACTIONS) as Action[];

/** Between two rows, the system comes to rest. */
const REST_MS = 1_000;
const PERCENT = 99;

interface FairnessOptions {
  /** Measures only this row: the first is 1. */
  row?: number | undefined;
  /** How long the bystander is measured, once at rest and once under the load of the row. Default: 8. */
  seconds?: number | undefined;
}

/** Measures a bystander at rest, and again while one user does what a row says. */
export async function measureFairness(system: System, { row, seconds = 8 }: FairnessOptions): Promise<Result> {
  const result: Result = { errors: [], figures: {} };
  for (const [index, each] of ROWS.entries()) {
    if (row !== undefined && row !== index + 1) continue;
    const [rest, load] = await measureRow(system, each, seconds);
    system.print(`  ${index + 1}. ${each.title}`);
    for (const action of actions) {
      const ratio = printComparison(action, rest, load, system.print);
      result.figures[`row ${index + 1} ${action} ratio`] = ratio;
    }
    result.errors.push(...refusalsOf(load).map((refusal) => `row ${index + 1}: the bystander got ${refusal}`));
    await wait(REST_MS);
  }
  return result;
}

/** @returns what the bystander measured at rest and under the load of the row */
async function measureRow(
  system: System,
  { prepare, descriptors, size }: FairnessRow,
  seconds: number,
): Promise<[Measurement, Measurement]> {
  const url = descriptors ? await system.cluster.startGateway(undefined, descriptors) : system.url;
  const bystander = await openBystander({ ...system, url });
  const attack = await prepare({ ...system, url }, size);
  const rest = await bystander.measure(seconds);
  const stop = await startAttack(url, attack);
  const load = await bystander.measure(seconds);
  await stop();
  bystander.close();
  if (descriptors) await system.cluster.gateways.at(-1)?.stop();
  return [rest, load];
}

/** @returns the ratio of the p99 under load to the p99 at rest */
function printComparison(action: Action, rest: Measurement, load: Measurement, print: (line: string) => void): number {
  const p99 = ({ latencies }: Measurement) => latencies[action].percentileMs(PERCENT);
  const ratio = p99(load) / p99(rest);
  print(
    `     ${action.padEnd(5)} p${PERCENT} ${format(p99(rest))} ms at rest, ${format(p99(load))} ms under load: × ${format(ratio)}`,
  );
  return ratio;
}

/** The limits of production. Without this, the cluster of a benchmark has high limits. */
export function defaultLimits(): Record<string, string> {
  const defaults = Object.entries(variables).flatMap(([name, schema]) =>
    name in HIGH_LIMITS && 'default' in schema ? [[name, `${schema.default}`]] : [],
  );
  return Object.fromEntries(defaults);
}

/** Creates an account with a room. */
export async function openBystander({ url, secret, database }: Target): Promise<Bystander> {
  const [account] = (await createAccounts(url, secret, database, 1)) as [Account];
  const { id } = await callApi<{ id: string }>(url, 'POST /api/rooms', account.token, { name: 'bystander' });
  return Bystander.open(url, account, id);
}

/** Resolves when the attack begins. @returns a function that ends it @throws Error if the process ends before that */
async function startAttack(url: string, attack: Attack): Promise<() => Promise<void>> {
  const child = fork(join(import.meta.dirname, '../fairness/attack-process.ts'), [url, JSON.stringify(attack)]);
  const failed = once(child, 'exit').then(() => {
    throw new Error('the process of the disturbing user has ended');
  });
  await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => undefined);
  return async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null) await once(child, 'exit');
  };
}

function refusalsOf({ refusals }: Measurement): string[] {
  return [...refusals].map(([refusal, count]) => `${refusal} ${count} times`);
}

const format = (value: number) => value.toFixed(value < 10 ? 1 : 0);
