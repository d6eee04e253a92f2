import { PASSWORD } from '../accounts.ts';
import { Latency } from '../latency.ts';
import type { Result } from '../measure.ts';
import type { System } from '../with-cluster.ts';

const LOGINS = 500;

/**
 * Measures whether the time of a login shows that an account exists. Sends 500 wrong passwords for an account and 500 for
 * an e-mail without an account, in turns.
 */
export async function measureTiming({ url, print }: System): Promise<Result> {
  const email = `timing.${Date.now()}@example.com`;
  const person = { firstName: 'Bench', lastName: 'Timing', email, password: PASSWORD };
  await timePost(`${url}/api/users/register`, person);
  const [existing, missing] = [new Latency(), new Latency()];
  for (let login = 0; login < LOGINS; login++) {
    existing.record(await timeWrongLogin(url, email));
    missing.record(await timeWrongLogin(url, `nobody.${email}`));
  }
  for (const percent of [10, 50, 90]) print(`  ${compare(existing, missing, percent)}`);
  const figures = { 'p50 with an account ms': existing.percentileMs(50), 'p50 without ms': missing.percentileMs(50) };
  return { errors: [], figures };
}

function compare(existing: Latency, missing: Latency, percent: number): string {
  const [existingMs, missingMs] = [existing.percentileMs(percent), missing.percentileMs(percent)];
  const times = `${existingMs.toFixed(2)} ms with an account, ${missingMs.toFixed(2)} ms without`;
  return `p${percent}: ${times}: ratio ${(existingMs / missingMs).toFixed(3)}`;
}

function timeWrongLogin(url: string, email: string): Promise<number> {
  return timePost(`${url}/api/users/login`, { email, password: 'wrong password' });
}

/** @returns milliseconds until the answer is complete */
async function timePost(url: string, body: unknown): Promise<number> {
  const startedAt = performance.now();
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  await response.arrayBuffer();
  return performance.now() - startedAt;
}
