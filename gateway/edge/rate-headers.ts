import { Refusal } from '../../shared/contract/errors.ts';
import type { LeasedCounter, RateState } from './leased-counter.ts';
import type { WindowLimit } from './window-counter.ts';

/** The limit that an answer shows: of the limits that counted its request, the one of which least is left. */
export interface ShownRate {
  state?: RateState;
}

/**
 * Takes one count of a limit, and remembers what is left for the answer.
 * @throws Refusal `rate_limited` or `unavailable`
 */
export async function takeAndShow(leases: LeasedCounter, limit: WindowLimit, shown: ShownRate = {}): Promise<void> {
  try {
    show(shown, await leases.take(limit));
  } catch (error) {
    if (error instanceof Refusal && error.code === 'rate_limited') {
      show(shown, { max: limit.max, remaining: 0, resetMs: (error.retryAfter ?? 0) * 1_000 });
    }
    throw error;
  }
}

/** Returns the headers of an answer (docs/api.md describes them). */
export function rateHeaders({ state }: ShownRate): Record<string, string> {
  if (!state) return {};
  return {
    'RateLimit-Limit': `${state.max}`,
    'RateLimit-Remaining': `${state.remaining}`,
    'RateLimit-Reset': `${Math.ceil(state.resetMs / 1_000)}`,
  };
}

/** The names of these headers. Pages of other origins may read them. */
export const RATE_HEADERS = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'];

function show(shown: ShownRate, state: RateState): void {
  if (!shown.state || state.remaining <= shown.state.remaining) shown.state = state;
}
