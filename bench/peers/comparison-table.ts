import { median } from '../latency.ts';
import { type Figures, formatNumber, MAX_CLIENT_SHARE } from '../measure.ts';
import { FAULTS } from './run-peer.ts';

/** Above this, other programs of the machine changed the figures. */
const MAX_OTHER_CORES = 0.25;

const MIN_DELIVERED_SHARE = 0.9;

/** What was measured in one turn, by the title of each peer. */
export type Turn = Map<string, Figures>;

/**
 * Makes a table in Markdown. Each value is the median of all turns, with the smallest and the largest one in parentheses.
 * A ratio compares two runs of the same turn.
 * @param base the title of the peer that the others are compared with
 */
export function comparisonTable(turns: Turn[], base: string): string {
  const titles = [...(turns[0]?.keys() ?? [])];
  const rows = titles.map((title) => [title, ...cellsOf(turns, title, base)]);
  const lines = [[...COLUMNS], COLUMNS.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return [...lines, ...warningsOf(turns, titles)].join('\n');
}

const COLUMNS = [
  'peer',
  'acked/s',
  'Rooms ÷ peer',
  'deliveries/s',
  'send to delivery p50 / p99, ms',
  'server CPU s for 100,000 acked',
  'CPU: Rooms ÷ peer',
  'client / other cores',
  FAULTS.join(' / '),
] as const;

/** @returns one line for each peer whose figures depend on more than the peer itself */
function warningsOf(turns: Turn[], titles: string[]): string[] {
  const isAbove = (title: string, name: string, max: number) =>
    turns.some((turn) => (turn.get(title)?.[name] ?? 0) > max);
  const slowed = titles.filter((title) => isAbove(title, 'client cores', MAX_CLIENT_SHARE));
  const disturbed = titles.filter((title) => isAbove(title, 'other cores', MAX_OTHER_CORES));
  const behind = titles.filter((title) => turns.some((turn) => isBehind(turn.get(title) ?? {})));
  return [
    ...(behind.length > 0
      ? ['', `ACKED FASTER THAN DELIVERED, so only deliveries/s counts: ${behind.join('; ')}.`]
      : []),
    ...(slowed.length > 0 ? ['', `THE CLIENT WAS THE BOTTLENECK, so these can do more: ${slowed.join('; ')}.`] : []),
    ...(disturbed.length > 0 ? ['', `OTHER PROGRAMS DISTURBED these: ${disturbed.join('; ')}.`] : []),
  ];
}

/** A server can ack messages and keep their deliveries in a queue that grows. */
function isBehind({ 'acked/s': acked = 0, 'deliveries/s': delivered = 0, receivers = 0 }: Figures): boolean {
  return delivered < MIN_DELIVERED_SHARE * acked * receivers;
}

function cellsOf(turns: Turn[], title: string, base: string): string[] {
  const values = (name: string, of = title) => turns.map((turn) => turn.get(of)?.[name] ?? Number.NaN);
  const ratios = (name: string) => values(name, base).map((value, turn) => value / (values(name)[turn] as number));
  const cpu = 'server CPU s/100k';
  return [
    withSpread(values('acked/s')),
    title === base ? '1' : withSpread(ratios('acked/s')),
    withSpread(values('deliveries/s')),
    `${middle(values('delivery p50 ms'))} / ${middle(values('delivery p99 ms'))}`,
    withSpread(values(cpu)),
    title === base ? '1' : withSpread(ratios(cpu)),
    `${middle(values('client cores'))} / ${middle(values('other cores'))}`,
    FAULTS.map((fault) => sum(values(fault))).join(' / '),
  ];
}

function withSpread(values: number[]): string {
  if (values.some(Number.isNaN)) return '–';
  return `${middle(values)} (${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))})`;
}

function middle(values: number[]): string {
  return values.some(Number.isNaN) ? '–' : formatNumber(median(values));
}

function sum(values: number[]): string {
  if (values.some(Number.isNaN)) return '–';
  return values.reduce((total, value) => total + value, 0).toLocaleString('en');
}
