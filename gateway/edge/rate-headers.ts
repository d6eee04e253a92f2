import { Refusal } from '../../shared/contract/errors.ts';
import type { HeaderLines } from './header-lines.ts';
import type { LeasedCounter, RateState } from './leased-counter.ts';
import type { WindowLimit } from './window-counter.ts';

/** The limit that an answer shows: the one with the fewest counts left, of all limits that counted the request. */
export interface ShownRate {
  state?: RateState;
}

/**
 * Takes one count of a limit, and remembers what is left for the answer.
 * @throws Refusal `rate_limited` or `unavailable`
 */
export function takeAndShow(leases: LeasedCounter, limit: WindowLimit, shown: ShownRate = {}): Promise<void> {
  return leases.take(limit).then(
    (state) => show(shown, state),
    (error: unknown) => {
      throw showRefusal(shown, limit, error);
    },
  );
}

/**
 * Does the same without Redis, if this is possible.
 * @returns false if Redis must be asked. Then call {@link takeAndShow}.
 * @throws Refusal `rate_limited`
 */
export function takeNowAndShow(leases: LeasedCounter, limit: WindowLimit, shown: ShownRate = {}): boolean {
  try {
    const state = leases.takeNow(limit);
    if (state) show(shown, state);
    return state !== undefined;
  } catch (error) {
    throw showRefusal(shown, limit, error);
  }
}

/** The names of the headers about limits. Pages of other origins may read them. */
export const RATE_HEADERS = ['RateLimit-Limit', 'RateLimit-Remaining', 'RateLimit-Reset'] as const;
const [LIMIT, REMAINING, RESET] = RATE_HEADERS;

/** Returns the headers of an answer (docs/api.md describes them). */
export function rateHeaders({ state }: ShownRate): HeaderLines {
  if (!state) return '';
  const seconds = Math.ceil(state.resetMs / 1_000);
  return `${LIMIT}: ${state.max}\r\n${REMAINING}: ${state.remaining}\r\n${RESET}: ${seconds}`;
}

function show(shown: ShownRate, state: RateState): void {
  if (!shown.state || state.remaining <= shown.state.remaining) shown.state = state;
}

function showRefusal(shown: ShownRate, { max }: WindowLimit, error: unknown): unknown {
  if (error instanceof Refusal && error.code === 'rate_limited') {
    show(shown, { max, remaining: 0, resetMs: (error.retryAfter ?? 0) * 1_000 });
  }
  return error;
}
