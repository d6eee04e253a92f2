const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 4_000;

/** How long a client waits before it sends a refused command again (docs/protocol.md). @param refusals how many there were before */
export function sendAgainAfterMs(refusals: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** refusals, MAX_PAUSE_MS);
}
