/** The value below which so many of a hundred lie (nearest rank). */
export function percentile(values: Float64Array | number[], hundredths: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil((sorted.length * hundredths) / 100) - 1)] ?? Number.NaN;
}

/** Such as `p50 2.1, p95 4.0, p99 7.2, max 12.0 ms`. @param times milliseconds, in any order */
export function summary(times: number[]): string {
  const points = [50, 95, 99].map((point) => `p${point} ${percentile(times, point).toFixed(1)}`);
  return `${[...points, `max ${percentile(times, 100).toFixed(1)}`].join(', ')} ms (${times.length} samples)`;
}
