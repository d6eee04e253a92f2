import { relative } from 'node:path';
import type { run } from 'node:test';

const SHOWN = 10;

/** Notes how long each test file takes. @returns a function that returns the longest files, as lines to print */
export function noteLongestFiles(tests: ReturnType<typeof run>): () => string {
  const seconds = new Map<string, number>();
  tests.on('test:summary', ({ file, duration_ms: ms }) => {
    if (file) seconds.set(relative(process.cwd(), file), ms / 1_000);
  });
  return () =>
    [...seconds]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(([file, time]) => `${time.toFixed(1).padStart(6)} s  ${file}\n`)
      .join('');
}
