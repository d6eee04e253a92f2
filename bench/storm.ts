import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connectDatabase } from '../shared/database.ts';
import { Cluster } from '../shared/local/cluster.ts';
import { migrate } from '../sql/migrate.ts';
import { check } from './check.ts';
import { Ledger } from './ledger.ts';
import { makeScene, type Scene } from './scene.ts';
import { openLoop } from './smoke.ts';
import { percentile } from './stats.ts';

const [SOCKETS, ROOMS, RATE, LOGINS] = [200, 20, 500, 200];
/** Odd, so that one round in which the machine itself stood still does not count. */
const ROUNDS = 5;
const SECONDS = 10;

export interface StormOptions {
  databaseUrl: string;
  redisUrl: string;
  say: (text: string) => void;
}

/**
 * 500 messages a second to rooms of ten, in turns alone and under a storm of 200 clients that log in again and again.
 * @returns what is wrong; nothing, if all is well
 */
export async function storm({ databaseUrl, redisUrl, say }: StormOptions): Promise<string[]> {
  const logs = mkdtempSync(join(tmpdir(), 'rooms-storm-'));
  await migrate(databaseUrl);
  const cluster = await Cluster.start({ databaseUrl, redisUrl, logs, gateways: 2, workers: 2, onePort: true });
  const database = connectDatabase(databaseUrl, { name: 'rooms-storm', max: 2, readOnly: true, timeout: 0 });
  try {
    const ledger = new Ledger();
    const scene = await makeScene(cluster.urls[0] as string, SOCKETS, ROOMS, ledger.ears);
    const rounds: { alone: number; under: number }[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const alone = percentile(await measure(scene, ledger), 99);
      const logins = startLogins(cluster.urls[0] as string, scene);
      const under = percentile(await measure(scene, ledger), 99);
      rounds.push({ alone, under });
      say(
        `  round ${round}: p99 ${alone.toFixed(1)} ms alone, ${under.toFixed(1)} ms under the storm; ${await logins()}`,
      );
    }
    const [alone, under] = (['alone', 'under'] as const).map((name) =>
      percentile(
        rounds.map((each) => each[name]),
        50,
      ),
    );
    say(
      `  send to delivery, median of the rounds' p99: ${alone?.toFixed(1)} ms alone, ${under?.toFixed(1)} ms under it`,
    );
    say(`  that is ${(Number(under) / Number(alone)).toFixed(2)} times as long`);
    return await check(scene, ledger, ledger.sent, database);
  } finally {
    await cluster.stop();
    await database.end();
    rmSync(logs, { recursive: true });
  }
}

/** After two seconds that do not count: what was before is over then. @returns the times of the deliveries, milliseconds */
async function measure(scene: Scene, ledger: Ledger): Promise<number[]> {
  await send(scene, ledger, 2);
  return send(scene, ledger, SECONDS);
}

async function send({ members }: Scene, ledger: Ledger, seconds: number): Promise<number[]> {
  const before = ledger.deliveryTimes.length;
  const expected = ledger.deliveries + (RATE * seconds * SOCKETS) / ROOMS;
  await openLoop(members, ledger, RATE * seconds, RATE);
  await ledger.delivered(expected);
  return ledger.deliveryTimes.slice(before);
}

/** In a process of its own, so that what measures is not what disturbs. @returns what ends it and tells how it went */
function startLogins(url: string, { emails }: Scene): () => Promise<string> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'logins.ts'), url, `${LOGINS}`, ...emails], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  return async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    return (await said).trim();
  };
}
