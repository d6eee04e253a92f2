import { build, type Histogram } from 'hdr-histogram-js';

const MAX_LATENCY_US = 120_000_000;

/** A histogram of latencies. Its percentiles are exact to three digits. */
export class Latency {
  readonly #histogram: Histogram = build({ highestTrackableValue: MAX_LATENCY_US, numberOfSignificantValueDigits: 3 });

  get samples(): number {
    return this.#histogram.totalCount;
  }

  record(milliseconds: number): void {
    this.#histogram.recordValue(Math.min(Math.max(1, Math.round(milliseconds * 1_000)), MAX_LATENCY_US));
  }

  /** @returns milliseconds: `percent` percent of the latencies are not larger. NaN without a latency. */
  percentileMs(percent: number): number {
    return this.samples === 0 ? Number.NaN : this.#histogram.getValueAtPercentile(percent) / 1_000;
  }

  reset(): void {
    this.#histogram.reset();
  }

  /** @returns for example `p50 2.1, p95 4.0, p99 7.2, max 12.0 ms (20000 samples)` */
  summarize(): string {
    const points = [50, 95, 99].map((percent) => `p${percent} ${this.percentileMs(percent).toFixed(1)}`);
    return `${points.join(', ')}, max ${this.percentileMs(100).toFixed(1)} ms (${this.samples} samples)`;
  }
}

/** @returns the middle one of the values, or the mean of the two middle ones */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((lower ?? Number.NaN) + (upper ?? Number.NaN)) / 2;
}
