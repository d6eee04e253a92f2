/** The part of k6's summary that is used. @typedef {{ values: Record<string, number>, thresholds?: Record<string, { ok: boolean }> }} Metric */
/** @typedef {{ metrics: Record<string, Metric>, state: { testRunDurationMs: number } }} SummaryData */

export const TREND_STATS = ['med', 'p(95)', 'p(99)', 'max'];

/**
 * Returns the text that a script prints at its end.
 * @param {string} title
 * @param {SummaryData} data
 * @param {[label: string, metric: string, remark?: string][]} lines what is shown of each metric
 */
export function summarize(title, { metrics }, lines) {
  const width = Math.max(...lines.map(([label]) => label.length));
  const shown = lines.map(([label, name, remark]) => {
    return `  ${label.padEnd(width)}  ${describe(metrics[name])}${remark ? ` (${remark})` : ''}`;
  });
  const failures = Object.entries(metrics).flatMap(([name, { thresholds = {} }]) =>
    Object.keys(thresholds)
      .filter((rule) => !thresholds[rule]?.ok)
      .map((rule) => `${name} ${rule}`),
  );
  const result = failures.length === 0 ? 'passed: every threshold' : `FAILED: ${failures.join(', ')}`;
  return { stdout: `\n${title}\n${shown.join('\n')}\n${result}\n` };
}

/** @param {Metric | undefined} metric */
function describe(metric) {
  if (!metric) return 'none';
  const { values } = metric;
  if ('med' in values) return `${TREND_STATS.map((name) => `${nameOf(name)} ${round(values[name])}`).join(', ')} ms`;
  if ('rate' in values && !('count' in values)) return `${((values.rate ?? 0) * 100).toFixed(2)} %`;
  return `${values.count}`;
}

/** @param {string} stat such as `p(99)` */
function nameOf(stat) {
  return stat === 'med' ? 'p50' : stat.replace(/[()]/g, '');
}

/** @param {number | undefined} value */
function round(value) {
  return (value ?? 0).toFixed(1);
}
