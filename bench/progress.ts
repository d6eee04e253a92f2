import type { Ledger } from './ledger.ts';

const PROGRESS_INTERVAL_MS = 2_000;

/** Prints every two seconds what the ledger has counted since the last line. @returns a function that ends this */
export function showProgress(
  ledger: Pick<Ledger, 'acked' | 'delivered' | 'errors' | 'inFlight'>,
  print: (line: string) => void,
): () => void {
  const startedAt = performance.now();
  let [lastAt, acked, delivered] = [startedAt, ledger.acked, ledger.delivered];
  const timer = setInterval(() => {
    const now = performance.now();
    const rate = (count: number) => Math.round((count / (now - lastAt)) * 1_000);
    const rates = `${rate(ledger.acked - acked)} acked/s, ${rate(ledger.delivered - delivered)} deliveries/s`;
    const faults = ledger.errors.length > 0 ? `, ${ledger.errors.length} ERRORS, the first: ${ledger.errors[0]}` : '';
    print(`  ${Math.round((now - startedAt) / 1_000)} s: ${rates}, ${ledger.inFlight} in flight${faults}`);
    [lastAt, acked, delivered] = [now, ledger.acked, ledger.delivered];
  }, PROGRESS_INTERVAL_MS);
  return () => clearInterval(timer);
}
