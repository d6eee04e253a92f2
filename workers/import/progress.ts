import type { Counts } from './step.ts';

const REPORT_INTERVAL_MS = 2_000;

/** Prints how many rows of a step are done, at most once per interval and at the end of the step. */
export class Progress {
  readonly #name: string;
  readonly #total: number;
  #read = 0;
  #reportedAt = performance.now();

  constructor(name: string, total: number) {
    this.#name = name;
    this.#total = total;
  }

  report(read: number): void {
    this.#read = read;
    if (performance.now() - this.#reportedAt >= REPORT_INTERVAL_MS) this.complete();
  }

  complete(): void {
    this.#reportedAt = performance.now();
    print(`${this.#name}: ${format(this.#read)} of ${format(this.#total)}`);
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Returns the counts of all steps as a table, with a last line for people. */
export function countsTable(counts: Counts[], isDryRun: boolean): string {
  const header = ['', 'read', isDryRun ? 'to be imported' : 'imported', 'already there'];
  const rows = counts.map(({ name, read, imported, known }) => [name, ...[read, imported, known].map(format)]);
  const lines = [header, ...rows].map((cells) =>
    cells.map((cell, column) => (column === 0 ? cell.padEnd(12) : cell.padStart(15))).join(''),
  );
  return [...lines, resultLine(counts, isDryRun)].join('\n');
}

function resultLine(counts: Counts[], isDryRun: boolean): string {
  if (isDryRun) return 'This was a dry run. Nothing was written.';
  const hasChanged = counts.some(({ imported }) => imported > 0);
  return hasChanged ? 'The import is complete.' : 'Everything was already there. Nothing was changed.';
}

function format(count: number): string {
  return count.toLocaleString('en');
}
