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
  /** How long the bystander is measured: at rest, and under each load. Default: 8. */
  seconds?: number | undefined;
}

/** What the bystander of a row measured. */
interface RowMeasurement {
  rest: Measurement;
  /** While the user attacks another system on this machine: this is the effect of the processor time of the attack. */
  elsewhere: Measurement;
  here: Measurement;
}

/** Measures a bystander at rest, while one user does what a row says in another system, and while they do it here. */
export async function measureFairness(system: System, { row, seconds = 8 }: FairnessOptions): Promise<Result> {
  const result: Result = { errors: [], figures: {} };
  await system.withNeighbor(async (neighbor) => {
    for (const [index, each] of ROWS.entries()) {
      if (row !== undefined && row !== index + 1) continue;
      const measured = await measureRow(system, neighbor, each, seconds);
      system.print(`  ${index + 1}. ${each.title}`);
      for (const action of actions) {
        const ratios = printComparison(action, measured, system.print);
        for (const [name, ratio] of Object.entries(ratios))
          result.figures[`row ${index + 1} ${action} ${name}`] = ratio;
      }
      result.errors.push(
        ...refusalsOf(measured.here).map((refusal) => `row ${index + 1}: the bystander got ${refusal}`),
      );
      await wait(REST_MS);
    }
  });
  return result;
}

async function measureRow(
  system: System,
  neighbor: System,
  row: FairnessRow,
  seconds: number,
): Promise<RowMeasurement> {
  const [here, elsewhere] = [await startRow(system, row), await startRow(neighbor, row)];
  const bystander = await openBystander({ ...system, url: here.url });
  const measureDuring = async ({ url, attack }: PreparedRow) => {
    const stop = await startAttack(url, attack);
    const measurement = await bystander.measure(seconds);
    await stop();
    await wait(REST_MS);
    return measurement;
  };
  const measured = {
    rest: await bystander.measure(seconds),
    elsewhere: await measureDuring(elsewhere),
    here: await measureDuring(here),
  };
  bystander.close();
  for (const { stop } of [here, elsewhere]) await stop();
  return measured;
}

interface PreparedRow {
  /** The gateway that is attacked. */
  url: string;
  attack: Attack;
  /** Stops the gateway, if it was started for this row. */
  stop: () => Promise<void>;
}

async function startRow(system: System, { prepare, descriptors, size }: FairnessRow): Promise<PreparedRow> {
  const { cluster } = system;
  const url = descriptors ? await cluster.startGateway(undefined, descriptors) : system.url;
  const stop = async () => {
    if (descriptors) await cluster.gateways.at(-1)?.stop();
  };
  return { url, attack: await prepare({ ...system, url }, size), stop };
}

/** Prints how many times the p99 at rest the p99 under both loads is. @returns both */
function printComparison(
  action: Action,
  { rest, elsewhere, here }: RowMeasurement,
  print: (line: string) => void,
): { elsewhere: number; here: number } {
  const p99 = ({ latencies }: Measurement) => latencies[action].percentileMs(PERCENT);
  const [restMs, elsewhereMs, hereMs] = [p99(rest), p99(elsewhere), p99(here)];
  print(
    `     ${action.padEnd(5)} p${PERCENT} ${format(restMs)} ms at rest, ${format(elsewhereMs)} ms (× ${format(elsewhereMs / restMs)}) if another system is attacked, ${format(hereMs)} ms (× ${format(hereMs / restMs)}) if this one is`,
  );
  return { elsewhere: elsewhereMs / restMs, here: hereMs / restMs };
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
