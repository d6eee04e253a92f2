import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Figures, formatNumber, isClientBottleneck, type Result } from './measure.ts';
import { drawPlot, type Plot } from './plot.ts';
import type { ScenarioOptions } from './scenarios.ts';

type ScenarioName = 'chat' | 'fan-out' | 'rooms' | 'idle' | 'connects' | 'http';

/** One section of the report: a benchmark that runs once for each of the options. */
interface Section {
  title: string;
  scenario: ScenarioName;
  runs: ScenarioOptions[];
  /** The figures that are columns of the table. Without them, the table has one line for each figure. */
  columns?: string[];
  /** The name of the first column, and its value. */
  key?: keyof ScenarioOptions;
  /** A plot of columns over the key. */
  plot?: { file: string; yLabel: string; columns: string[] };
}

export interface ReportSizes {
  /** Messages per second. */
  rates: number[];
  /** Members of the one room. */
  members: number[];
  sockets: number[];
  rooms: number;
  connects: number;
  seconds: number;
}

export const REPORT_SIZES: ReportSizes = {
  rates: [500, 1_000, 2_000, 4_000, 8_000],
  members: [10, 100, 1_000, 10_000],
  sockets: [1_000, 3_000, 10_000],
  rooms: 2_000,
  connects: 2_000,
  seconds: 10,
};

export interface ReportOptions {
  /** Gets `report.md`, and the plots in `report/`. */
  folder: string;
  sizes: ReportSizes;
  run: (scenario: ScenarioName, options: ScenarioOptions) => Promise<Result>;
  print: (line: string) => void;
}

/** Runs the benchmarks and writes the report. @returns the errors of all benchmarks */
export async function writeReport({ folder, sizes, run, print }: ReportOptions): Promise<Result> {
  const errors: string[] = [];
  const parts: string[] = [];
  mkdirSync(join(folder, 'report'), { recursive: true });
  for (const section of sectionsOf(sizes)) {
    const results: Figures[] = [];
    for (const options of section.runs) {
      print(
        `--- ${section.scenario} ${Object.entries(options)
          .map((entry) => entry.join('='))
          .join(' ')}`,
      );
      const result = await run(section.scenario, options);
      errors.push(...result.errors.map((error) => `${section.title}: ${error}`));
      results.push(result.figures);
    }
    parts.push(`## ${section.title}\n`, ...writePlot(folder, section, results), ...tableOf(section, results), '');
  }
  writeFileSync(join(folder, 'report.md'), [...header(errors), ...parts].join('\n'));
  return { errors, figures: {} };
}

function sectionsOf({ rates, members, sockets, rooms, connects, seconds }: ReportSizes): Section[] {
  const latencies = ['ack p50 ms', 'ack p99 ms', 'delivery p50 ms', 'delivery p99 ms'];
  const shares = ['server CPU s/100k', 'client cores', 'other cores'];
  return [
    {
      title: 'Latency against offered load',
      scenario: 'chat',
      runs: rates.map((rate) => ({ rate, seconds })),
      key: 'rate',
      columns: ['acked/s', ...latencies, ...shares],
      plot: { file: 'latency.svg', yLabel: 'ms', columns: latencies.slice(2) },
    },
    {
      title: 'As many messages as possible',
      scenario: 'chat',
      runs: [
        { window: 1, seconds },
        { window: 5, seconds },
      ],
      key: 'window',
      columns: ['acked/s', 'deliveries/s', ...latencies, ...shares],
    },
    {
      title: 'Deliveries against room size',
      scenario: 'fan-out',
      runs: members.map((each) => ({ members: each, seconds })),
      key: 'members',
      columns: ['acked/s', 'deliveries/s', 'delivery p50 ms', 'delivery p99 ms', ...shares],
      plot: { file: 'deliveries.svg', yLabel: 'deliveries/s', columns: ['deliveries/s'] },
    },
    {
      title: 'Memory against sockets',
      scenario: 'idle',
      runs: sockets.map((each) => ({ sockets: each, seconds })),
      key: 'sockets',
      columns: ['gateway MB before', 'gateway MB after', 'gateway KB/socket', 'kernel KB/socket, both ends'],
      plot: { file: 'memory.svg', yLabel: 'MB of the gateway', columns: ['gateway MB after'] },
    },
    { title: 'Busy rooms', scenario: 'rooms', runs: [{ rooms, seconds }] },
    { title: 'Connects', scenario: 'connects', runs: [{ sockets: connects }] },
    { title: 'HTTP', scenario: 'http', runs: [{ seconds }] },
  ];
}

function header(errors: string[]): string[] {
  const memory = Math.round(totalmem() / 1024 ** 3);
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${memory} GiB, Linux ${release()}`;
  return [
    '# A report of the benchmarks\n',
    `\`npm run bench -- report\` wrote this file on ${new Date().toISOString().slice(0, 10)}. [README.md](README.md) explains`,
    `the benchmarks and the figures. The machine: ${machine}, Node ${process.version}. Everything runs on it, also the client.`,
    'A figure is only good if `other cores` is near 0. In a line with `(client)`, the client was the bottleneck: it used almost',
    'one core, so the system can do more.\n',
    errors.length === 0 ? 'All checks found no error.\n' : `**${errors.length} errors.** The first: ${errors[0]}\n`,
  ];
}

function writePlot(folder: string, { title, key, runs, plot }: Section, results: Figures[]): string[] {
  if (!plot || !key) return [];
  const series: Plot['series'] = plot.columns.map((name) => ({
    name,
    points: runs.map((options, run) => [Number(options[key]), results[run]?.[name] ?? Number.NaN]),
  }));
  const svg = drawPlot({ title, xLabel: key === 'rate' ? 'messages/s' : key, yLabel: plot.yLabel, series });
  writeFileSync(join(folder, 'report', plot.file), svg);
  return [`![${title}](report/${plot.file})\n`];
}

function tableOf({ key, runs, columns }: Section, results: Figures[]): string[] {
  if (!key || !columns) {
    const lines = Object.entries(results[0] ?? {}).map(([name, value]) => [name, formatNumber(value)]);
    return table(['figure', 'value'], lines);
  }
  const lines = runs.map((options, run) => [
    Number(options[key]).toLocaleString('en') + (isClientBottleneck(results[run] ?? {}) ? ' (client)' : ''),
    ...columns.map((name) => formatNumber(results[run]?.[name] ?? Number.NaN)),
  ]);
  return table([key, ...columns], lines);
}

function table(names: string[], lines: string[][]): string[] {
  return [names, names.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`);
}
