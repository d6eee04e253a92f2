import { setTimeout as wait } from 'node:timers/promises';
import { checkHistory } from '../proof/check-history.ts';
import { measureRun, type Phases, type RunFigures } from '../proof/figures.ts';
import type { History } from '../proof/history.ts';
import type { Recorder } from '../proof/recorder.ts';
import { seededRandom } from '../proof/seeded-random.ts';
import { Traffic } from '../proof/traffic.ts';
import { checkReturned, measureWentBack } from '../proof/went-back.ts';
import { checkAfterwards } from './back-in-time.ts';
import type { FaultTarget, ScheduledFault } from './fault.ts';
import { FaultSystem } from './fault-system.ts';
import { measureProcess } from './processes.ts';
import type { Scenario } from './scenarios.ts';

const CALM_MS = 3_000;
/** Rooms must ack at the full rate again in this time. The traffic continues for it. */
const RECOVERY_MS = 4_000;
const SETTLE_TIMEOUT_MS = 40_000;
const JITTER_MS = 500;
const MEMORY_CHECK_MS = 250;
/** A gateway whose channels were cut works again in this time after the fault. */
const CHANNELS_BACK_MS = 10_000;
/** While channels can be cut, a logout ends its sockets in this time. */
const MAX_AFTER_REVOCATION_MS = 5_000;

const TRAFFIC = { rooms: 16, roomSize: 5, participants: 40, rate: 300 };

export interface RunResult {
  seed: number;
  /** Broken promises. */
  violations: string[];
  /** Figures that are larger than the scenario allows. */
  misses: string[];
  figures: RunFigures & { memoryMiB: number } & FaultTarget['measured'];
  /** The part of the figures that only the faults know. */
  measured: FaultTarget['measured'];
}

/** Runs a scenario once, in a system of its own. The same seed gives the same schedule and the same commands. */
export async function runScenario(scenario: Scenario, seed: number, checkout: string | undefined): Promise<RunResult> {
  const { needsFakeClock = false } = scenario;
  const system = await FaultSystem.start({ gateways: 2, workers: 2, checkout, hasFakeClock: needsFakeClock });
  try {
    return await runIn(system, scenario, seed);
  } finally {
    await system.stop();
  }
}

/** Runs a scenario in a running system, with new accounts and rooms. Afterwards the system is whole again. */
export async function runIn(system: FaultSystem, scenario: Scenario, seed: number): Promise<RunResult> {
  const random = seededRandom(seed);
  const traffic = await Traffic.prepare(system, { ...TRAFFIC, ...scenario.traffic }, random);
  const { participants, recorder } = traffic;
  const roomIds = recorder.rooms.map(({ id }) => id);
  const target: FaultTarget = { system, participants, roomIds, random, hitRoomIds: new Set(), measured: {} };
  const memory = watchMemory(system);
  try {
    const startedAtMs = performance.now();
    const sending = traffic.send();
    await wait(scenario.calmMs ?? CALM_MS);
    const faultAtMs = performance.now();
    await Promise.all(scenario.faults.map((fault) => runFault(fault, target)));
    const healedAtMs = performance.now();
    await wait(scenario.recoveryMs ?? RECOVERY_MS);
    traffic.stopSending();
    await sending;
    const endedAtMs = performance.now();
    await traffic.settle(system.database, SETTLE_TIMEOUT_MS);
    const phases = { startedAtMs, faultAtMs, healedAtMs, endedAtMs };
    const history = await readHistory(scenario, recorder, system, phases);
    if (target.wentBack) Object.assign(target.measured, measureWentBack(history, target.wentBack));
    // What was acked before Postgres went back is lost, so the promises hold for a new record only.
    const broken = target.wentBack
      ? [...checkReturned(history, target.wentBack), ...(await checkAfterwards(target, traffic))]
      : checkHistory(history);
    const violations = broken.map(({ rule, what }) => `${rule}: ${what}`);
    const measured = { ...target.measured, memoryMiB: memory() };
    const figures = { ...measureRun(history, phases, target.hitRoomIds), ...measured };
    return { seed, violations, misses: findMisses(scenario, figures), figures, measured: target.measured };
  } finally {
    memory();
    traffic.stop();
  }
}

async function readHistory(
  { faults, maxAfterRevocationMs = MAX_AFTER_REVOCATION_MS }: Scenario,
  recorder: Recorder,
  { database }: FaultSystem,
  { faultAtMs, healedAtMs }: Phases,
): Promise<History> {
  const history = await recorder.readHistory(database);
  if (faults.length === 0) return history;
  return { ...history, disturbance: { fromMs: faultAtMs, toMs: healedAtMs + CHANNELS_BACK_MS, maxAfterRevocationMs } };
}

async function runFault({ afterMs = 0, forMs = 0, fault }: ScheduledFault, target: FaultTarget): Promise<void> {
  await wait(afterMs + target.random(JITTER_MS));
  const heal = await fault(target);
  await wait(forMs);
  await heal();
}

function findMisses({ limits }: Scenario, figures: RunResult['figures']): string[] {
  return Object.entries(limits ?? {}).flatMap(([name, limit]) => {
    const value = figures[name as keyof typeof limits];
    return value === undefined || value <= limit
      ? []
      : [`${name} is ${Math.round(value)} where at most ${limit} is allowed`];
  });
}

/** @returns a function that ends the watch, and returns by how many MiB the memory of one process grew at most */
function watchMemory({ cluster }: FaultSystem): () => number {
  const first = new Map(cluster.links.map(({ process: { pid } }) => [pid, measureProcess(pid).memoryMiB]));
  let growth = 0;
  const timer = setInterval(() => {
    for (const [pid, before] of first) growth = Math.max(growth, measureProcess(pid).memoryMiB - before);
  }, MEMORY_CHECK_MS);
  return () => {
    clearInterval(timer);
    return growth;
  };
}
