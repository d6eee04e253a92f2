import { PASSWORD } from './fixture.ts';
import { percentile } from './stats.ts';
import { type BenchOptions, withCluster } from './with-cluster.ts';

const LOGINS = 500;

/**
 * Measures whether the time of a login shows that an account exists. Sends 500 wrong passwords for an account and 500 for
 * an e-mail without an account, in turns.
 * @returns an empty list, because this benchmark checks nothing
 */
export async function timing(options: BenchOptions): Promise<string[]> {
  return withCluster(options, { gateways: 1, workers: 1 }, async (url) => {
    const email = `timing.${Date.now()}@example.com`;
    const person = { firstName: 'Bench', lastName: 'Timing', email, password: PASSWORD };
    await timePost(`${url}/api/users/register`, person);
    const [existingMs, missingMs]: [number[], number[]] = [[], []];
    for (let login = 0; login < LOGINS; login++) {
      existingMs.push(await timeWrongLogin(url, email));
      missingMs.push(await timeWrongLogin(url, `nobody.${email}`));
    }
    for (const percent of [10, 50, 90]) options.print(`  ${compare(existingMs, missingMs, percent)}`);
    return [];
  });
}

function compare(existingMs: number[], missingMs: number[], percent: number): string {
  const [existing, missing] = [percentile(existingMs, percent), percentile(missingMs, percent)];
  const ratio = (existing / missing).toFixed(3);
  return `p${percent}: ${existing.toFixed(2)} ms with an account, ${missing.toFixed(2)} ms without: ratio ${ratio}`;
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
