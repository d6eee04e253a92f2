import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';

const root = dirname(dirname(import.meta.dirname));
const reportFile = join(import.meta.dirname, 'report.md');
const TITLE = '# Rooms and other chat servers\n\n[bench/README.md](../README.md#peers) explains the columns.\n';

/** Writes the section with this heading into `bench/peers/report.md`. Replaces the section if it is there. */
export function writeReport(heading: string, table: string): void {
  const before = existsSync(reportFile) ? readFileSync(reportFile, 'utf8') : TITLE;
  writeFileSync(reportFile, replaceSection(before, heading, `${describeMachine()}\n\n${table}`));
}

/** @returns the Markdown text, with a section of the second level that has this heading and this body */
export function replaceSection(text: string, heading: string, body: string): string {
  const [start = '', ...sections] = text.split(/^(?=## )/m);
  const others = sections.filter((section) => !section.startsWith(`## ${heading}\n`));
  return `${[start, ...others].map((part) => part.trim()).join('\n\n')}\n\n## ${heading}\n\n${body}\n`;
}

function describeMachine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const today = new Date().toISOString().slice(0, 10);
  return [
    `Measured on ${today}, ${describeCommit()}, on a machine with ${cpus().length} cores (${cpus()[0]?.model.trim()}),`,
    `${gigabytes} GiB of memory, Linux ${release()} and Node ${process.versions.node}. The same cores ran the servers, Postgres,`,
    'Redis and the client.',
  ].join('\n');
}

function describeCommit(): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=commit %h of %cs'], { cwd: root, encoding: 'utf8' }).trim();
  } catch {
    return 'at an unknown commit';
  }
}
