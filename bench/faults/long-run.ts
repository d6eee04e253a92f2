import { writeFileSync } from 'node:fs';
import { drawPlot } from '../plot.ts';
import { seededRandom } from '../proof/seeded-random.ts';
import { pick } from './fault.ts';
import { FaultSystem } from './fault-system.ts';
import { measureProcess } from './processes.ts';
import { reportRun } from './report-run.ts';
import { runIn } from './run-scenario.ts';
import type { Scenario } from './scenarios.ts';
import type { ScenarioResults } from './table.ts';

const SAMPLE_EVERY_MS = 15_000;
const MEMORY_PLOT = 'faults-memory.svg';
const DESCRIPTORS_PLOT = 'faults-descriptors.svg';

export interface LongRunOptions {
  scenarios: Scenario[];
  seed: number;
  minutes: number;
  checkout: string | undefined;
  print: (line: string) => void;
}

interface Sample {
  minute: number;
  gateway: ReturnType<typeof measureProcess>;
  worker: ReturnType<typeof measureProcess>;
}

/** Runs random scenarios one after the other in one system, whose processes live as long as no fault ends them. */
export async function runLong({
  scenarios,
  seed,
  minutes,
  checkout,
  print,
}: LongRunOptions): Promise<ScenarioResults[]> {
  const results = new Map<Scenario, ScenarioResults>();
  const system = await FaultSystem.start({ gateways: 2, workers: 2, checkout, hasFakeClock: false });
  const random = seededRandom(seed);
  const possible = scenarios.filter(({ needsFakeClock }) => !needsFakeClock);
  const startedAt = performance.now();
  const samples: Sample[] = [];
  const timer = setInterval(() => samples.push(takeSample(system, startedAt)), SAMPLE_EVERY_MS);
  try {
    for (let round = seed; performance.now() - startedAt < minutes * 60_000; round++) {
      const scenario = pick(possible, random);
      const each = results.get(scenario) ?? { scenario, runs: [], failures: [] };
      results.set(scenario, each);
      await reportRun(each, round, () => runIn(system, scenario, round), print);
    }
  } finally {
    clearInterval(timer);
    await system.stop();
  }
  drawSamples(samples, print);
  return [...results.values()];
}

/** The largest values of the gateways and of the workers. */
function takeSample(system: FaultSystem, startedAt: number): Sample {
  const worst = (kind: 'gateway' | 'workers') => {
    const all = system.linksOf(kind).map(({ process }) => measureProcess(process.pid));
    const memoryMiB = Math.max(0, ...all.map((each) => each.memoryMiB));
    return { memoryMiB, descriptors: Math.max(0, ...all.map((each) => each.descriptors)) };
  };
  return { minute: (performance.now() - startedAt) / 60_000, gateway: worst('gateway'), worker: worst('workers') };
}

function drawSamples(samples: Sample[], print: (line: string) => void): void {
  const series = (value: (sample: Sample, kind: 'gateway' | 'worker') => number) =>
    (['gateway', 'worker'] as const).map((kind) => ({
      name: kind,
      points: samples.map((sample): [number, number] => [sample.minute, value(sample, kind)]),
    }));
  const common = { xLabel: 'minutes of mixed faults', isLinear: true };
  const memory = series((sample, kind) => sample[kind].memoryMiB);
  const descriptors = series((sample, kind) => sample[kind].descriptors);
  writeFileSync(MEMORY_PLOT, drawPlot({ ...common, title: 'Memory', yLabel: 'MiB', series: memory }));
  writeFileSync(DESCRIPTORS_PLOT, drawPlot({ ...common, title: 'Descriptors', yLabel: 'open', series: descriptors }));
  print(`wrote ${MEMORY_PLOT} and ${DESCRIPTORS_PLOT}`);
}
