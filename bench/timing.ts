import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cluster } from '../shared/local/cluster.ts';
import { migrate } from '../sql/migrate.ts';
import { PASSWORD } from './scene.ts';
import { percentile } from './stats.ts';

const TIMES = 500;

export interface TimingOptions {
  databaseUrl: string;
  redisUrl: string;
  say: (text: string) => void;
}

/**
 * Whether the time of an answer tells that there is an account: wrong passwords for one, and for none, in turns.
 * @returns what is wrong: nothing, for a time is no fact to fail by
 */
export async function timing({ databaseUrl, redisUrl, say }: TimingOptions): Promise<string[]> {
  const logs = mkdtempSync(join(tmpdir(), 'rooms-timing-'));
  await migrate(databaseUrl);
  const cluster = await Cluster.start({ databaseUrl, redisUrl, logs, gateways: 1, workers: 1 });
  try {
    const url = cluster.urls[0] as string;
    const known = `timing.${Date.now()}@example.com`;
    await post(`${url}/api/users/register`, {
      firstName: 'Bench',
      lastName: 'Timing',
      email: known,
      password: PASSWORD,
    });
    const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
    for (let index = 0; index < TIMES; index++) {
      for (const [name, email] of Object.entries({ known, unknown: `nobody.${known}` })) {
        const started = performance.now();
        await post(`${url}/api/users/login`, { email, password: 'not the one' });
        times[name as 'known'].push(performance.now() - started);
      }
    }
    const at = (point: number) =>
      [times.known, times.unknown].map((each) => percentile(each, point)) as [number, number];
    for (const point of [10, 50, 90]) {
      const [account, none] = at(point);
      const [one, other] = [account, none].map((each) => each.toFixed(2));
      say(`  p${point}: ${one} ms for an account, ${other} ms for none: ${(account / none).toFixed(3)} times as long`);
    }
    return [];
  } finally {
    await cluster.stop();
    rmSync(logs, { recursive: true });
  }
}

async function post(url: string, body: unknown): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  await (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).arrayBuffer();
}
