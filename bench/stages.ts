import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Latency } from './latency.ts';
import type { Mark } from './stage-marks.ts';

/** A stage is the time between two edges that a message passes. */
const STAGES: [name: string, from: Mark, to: Mark][] = [
  ['lane wait', 'received', 'queued'],
  ['queue', 'queued', 'taken'],
  ['read job', 'taken', 'asked'],
  ['statement', 'asked', 'stored'],
  ['encode', 'stored', 'published'],
  ['publish', 'published', 'arrived'],
  ['write', 'arrived', 'written'],
  ['all', 'received', 'written'],
];

/** Measures the stages of messages in the gateways and workers that are started with `env`. */
export class Stages {
  readonly #folder = mkdtempSync(join(tmpdir(), 'rooms-stages-'));

  /** The variables that make Node load the marks into each process. */
  get env(): Record<string, string> {
    const marks = pathToFileURL(join(import.meta.dirname, 'stage-marks.ts')).href;
    return { NODE_OPTIONS: `--import=${marks}`, STAGE_MARKS: this.#folder };
  }

  /** Call this when all processes have ended. @returns the lines of a table */
  readTable(): string[] {
    const times = new Map<string, Map<string, number>>();
    for (const file of readdirSync(this.#folder))
      for (const line of readFileSync(join(this.#folder, file), 'utf8').split('\n')) addMark(times, line);
    rmSync(this.#folder, { recursive: true });
    return formatStages([...times.values()]);
  }
}

/** @param messages for each message, the milliseconds at which it passed each edge */
function formatStages(messages: Map<string, number>[]): string[] {
  const lines = STAGES.map(([name, from, to]) => {
    const stage = new Latency();
    let sum = 0;
    for (const times of messages) {
      const duration = (times.get(to) ?? Number.NaN) - (times.get(from) ?? Number.NaN);
      if (Number.isNaN(duration)) continue;
      stage.record(duration);
      sum += duration;
    }
    const cells = [sum / stage.samples, stage.percentileMs(50), stage.percentileMs(99)].map((ms) =>
      ms.toFixed(2).padStart(9),
    );
    return `  ${name.padEnd(10)} ${cells.join(' ')} ${String(stage.samples).padStart(9)}`;
  });
  return ['  stage        mean ms    p50 ms    p99 ms  messages', ...lines];
}

/** A message that passes an edge in several gateways has the time of the first one. */
function addMark(messages: Map<string, Map<string, number>>, line: string): void {
  const [mark, ref, time] = line.split(' ') as [string, string, string];
  if (!time) return;
  const times = messages.get(ref) ?? new Map<string, number>();
  messages.set(ref, times.set(mark, Math.min(Number(time), times.get(mark) ?? Number.POSITIVE_INFINITY)));
}
