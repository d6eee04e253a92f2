import { type CpuSeconds, KINDS } from './cpu.ts';
import type { Ledger } from './ledger.ts';

/** Above this share of one core, the client may be slower than the system that it measures. */
export const MAX_CLIENT_SHARE = 0.85;

/** Named numbers, in the order in which they are printed. A name contains its unit. */
export type Figures = Record<string, number>;

/** What is measured of the record of all messages. */
export type MeasuredLedger = Pick<
  Ledger,
  'acked' | 'delivered' | 'acks' | 'deliveries' | 'lateness' | 'measureFromNow'
>;

export interface Result {
  /** One line for each error that the benchmark found. */
  errors: string[];
  figures: Figures;
}

/** Measures what happens from now on. @returns a function that returns the figures until then */
export function startMeasuring(ledger: MeasuredLedger, readCpu: () => CpuSeconds): () => Figures {
  ledger.measureFromNow();
  const { acked, delivered } = ledger;
  const measureCpu = startCpu(readCpu);
  const startedAt = performance.now();
  return () => {
    const seconds = (performance.now() - startedAt) / 1_000;
    const acks = ledger.acked - acked;
    return {
      'acked/s': acks / seconds,
      'deliveries/s': (ledger.delivered - delivered) / seconds,
      'ack p50 ms': ledger.acks.percentileMs(50),
      'ack p99 ms': ledger.acks.percentileMs(99),
      'delivery p50 ms': ledger.deliveries.percentileMs(50),
      'delivery p99 ms': ledger.deliveries.percentileMs(99),
      'sent late p99 ms': ledger.lateness.percentileMs(99),
      ...measureCpu(acks),
    };
  };
}

/** @returns a function that returns the processor time since now: of each kind of process, for 100,000 operations */
export function startCpu(readCpu: () => CpuSeconds): (operations: number) => Figures {
  const before = readCpu();
  const startedAt = performance.now();
  return (operations) => {
    const after = readCpu();
    const seconds = (performance.now() - startedAt) / 1_000;
    const used = (kind: keyof CpuSeconds) => after[kind] - before[kind];
    const server = KINDS.reduce((sum, kind) => sum + used(kind), 0);
    const each = KINDS.map((kind) => [`${kind} CPU s/100k`, (used(kind) / operations) * 1e5]);
    return {
      ...Object.fromEntries(each),
      'server CPU s/100k': (server / operations) * 1e5,
      'server cores': server / seconds,
      'client cores': used('client') / seconds,
      'other cores': Math.max(0, used('machine') - server - used('client')) / seconds,
    };
  };
}

/** True if the client used almost one core: then the system can do more than the figures show. */
export function isClientBottleneck(figures: Figures): boolean {
  return (figures['client cores'] ?? 0) > MAX_CLIENT_SHARE;
}

export function printFigures(figures: Figures, print: (line: string) => void): void {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  for (const [name, value] of Object.entries(figures)) print(`  ${name.padEnd(width)}  ${formatNumber(value)}`);
  if (isClientBottleneck(figures))
    print('  THE CLIENT WAS THE BOTTLENECK: it used almost one core, so the system can do more than this.');
}

/** @returns three digits after the point for small numbers, none for large ones */
export function formatNumber(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
