import type { RunResult } from './run-scenario.ts';
import type { Scenario } from './scenarios.ts';

export interface ScenarioResults {
  scenario: Scenario;
  runs: RunResult[];
  /** Why runs could not be finished. */
  failures: Error[];
}

const seconds = (milliseconds: number) => (Number.isFinite(milliseconds) ? (milliseconds / 1_000).toFixed(1) : 'never');

/** The columns: for several seeds, the sum or the worst value of the runs. */
const COLUMNS: [title: string, value: (results: ScenarioResults) => string][] = [
  ['scenario', ({ scenario }) => scenario.name],
  ['seeds', ({ runs }) => `${runs[0]?.seed}${runs.length > 1 ? `–${runs.at(-1)?.seed}` : ''}`],
  ['acks', ({ runs }) => sum(runs, ({ figures }) => figures.acks).toLocaleString('en')],
  ['violations', ({ runs }) => `${sum(runs, ({ violations }) => violations.length)}`],
  ['worst gap in acks, s', ({ runs }) => seconds(worst(runs, ({ figures }) => figures.gapMaxMs))],
  ['time to recover, s', ({ runs }) => seconds(worst(runs, ({ figures }) => figures.recoverMs))],
  ['longest without news, s', ({ runs }) => seconds(worst(runs, ({ figures }) => figures.noticeMaxMs))],
  ['answer in the outage, p99 s', ({ runs }) => seconds(worst(runs, ({ figures }) => figures.outageAnswerP99Ms))],
  ['largest lag, s', ({ runs }) => seconds(worst(runs, ({ figures }) => figures.lagMaxMs))],
  ['unknown outcomes', ({ runs }) => `${sum(runs, ({ figures }) => figures.unknown)}`],
  ['memory, MiB', ({ runs }) => `+${Math.round(worst(runs, ({ figures }) => figures.memoryMiB))}`],
  [
    'over a limit',
    ({ runs }) => runs.flatMap(({ misses }) => misses.map((miss) => miss.split(' ')[0])).join(' ') || '–',
  ],
];

export const TITLES = COLUMNS.map(([title]) => title);

/** @returns a table in Markdown */
export function drawTable(results: ScenarioResults[]): string {
  const rows = results.filter(({ runs }) => runs.length > 0).map((each) => COLUMNS.map(([, value]) => value(each)));
  const total = results.flatMap(({ runs }) => runs);
  const acks = sum(total, ({ figures }) => figures.acks).toLocaleString('en');
  const violations = sum(total, (run) => run.violations.length);
  const failures = results.reduce((count, each) => count + each.failures.length, 0);
  return [
    line(TITLES),
    line(COLUMNS.map(() => '---')),
    ...rows.map(line),
    '',
    `${total.length} runs, ${acks} acked commands, ${violations} violations`,
    ...(failures > 0 ? [`${failures} runs could not be finished`] : []),
  ].join('\n');
}

const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
const sum = (runs: RunResult[], value: (run: RunResult) => number) =>
  runs.reduce((total, run) => total + value(run), 0);
const worst = (runs: RunResult[], value: (run: RunResult) => number) => Math.max(...runs.map(value));
