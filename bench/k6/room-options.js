import { roomCount } from './settings.js';
import { TREND_STATS } from './summary.js';

/**
 * The options of a script in which each virtual user has one room and runs once.
 * @param {number} maxSeconds after this time, k6 ends what still runs
 * @param {Record<string, string[]>} thresholds
 */
export function onceForEachRoom(maxSeconds, thresholds) {
  const rooms = {
    executor: 'per-vu-iterations',
    vus: roomCount,
    iterations: 1,
    maxDuration: `${Math.ceil(maxSeconds)}s`,
  };
  return { scenarios: { rooms }, thresholds, summaryTrendStats: TREND_STATS };
}
