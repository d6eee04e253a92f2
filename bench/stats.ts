/** @returns the smallest of the values such that `percent` percent of the values are not larger (nearest rank) */
export function percentile(values: number[], percent: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}

/** @returns for example `p50 2.1, p95 4.0, p99 7.2, max 12.0 ms (20000 samples)` */
export function summarize(timesMs: number[]): string {
  const points = [50, 95, 99].map((percent) => `p${percent} ${percentile(timesMs, percent).toFixed(1)}`);
  const max = `max ${percentile(timesMs, 100).toFixed(1)}`;
  return `${[...points, max].join(', ')} ms (${timesMs.length} samples)`;
}
