import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { newExpiry } from '../gateway/commands/dispatcher.ts';
import { newId } from '../shared/contract/ids.ts';
import { createAccount } from './support/client.ts';
import { openDriver, type Path } from './support/drivers.ts';
import { startSystem, testServices } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [gateway] = cluster.urls as [string];
const [ann, bob] = [await createAccount(gateway, 'Ann'), await createAccount(gateway, 'Bob')];
const redis = new Redis(testServices().redisUrl);
after(() => redis.disconnect());
const queue = (key: string) => `${cluster.prefix}:persistence:${key}`;

/** Takes the only waiting job out of the queue. @returns a function that puts it back */
async function takeJob(): Promise<() => Promise<unknown>> {
  await until(async () => (await redis.llen(queue('wait'))) > 0);
  const jobId = (await redis.rpop(queue('wait'))) as string;
  return () => redis.multi().rpush(queue('wait'), jobId).zadd(queue('marker'), 0, '0').exec();
}

for (const path of ['a socket', 'HTTP'] as Path[]) {
  test(`a command that is refused over ${path} is never applied, although the job of a dead gateway has it`, async () => {
    const annDriver = await openDriver('HTTP', gateway, ann);
    const roomId = await annDriver.commit({ command: 'CreateRoom', text: 'a room', roomType: 'Public' });
    const message = { command: 'CreateMessage', roomId, text: 'Hello World!', ref: newId() } as const;
    const dyingUrl = await cluster.startGateway();
    const dying = await openDriver(path, dyingUrl, bob);
    await Promise.all(cluster.workers.map((worker) => worker.stop()));
    dying.send(message).catch(() => 'the gateway dies');
    const putBack = await takeJob();
    process.kill(cluster.gateways.at(-1)?.pid as number, 'SIGKILL');

    await cluster.startWorker();
    const bobDriver = await openDriver(path, gateway, bob);
    assert.deepEqual(await bobDriver.send(message), { code: 'not_a_member' });
    await annDriver.commit({ command: 'AddUser', roomId, targetId: bob.id });
    await putBack();
    await until(async () => (await redis.llen(queue('wait'))) === 0);
    // The worker takes this job after the job of the dead gateway. Both lock the room.
    await bobDriver.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
    await until(async () => (await redis.llen(queue('active'))) === 0);
    const rows = await database`select from messages where ref = ${message.ref}`;
    assert.equal(rows.length, 0);
  });
}

test('a refusal is kept for every command that was created before it, by the time in which a command expires', async () => {
  const lifetimeMs = newExpiry() - performance.now();
  const isKept = async (lateByMs: number) => {
    const [row] = await database`
      select is_kept(row(null, null, null, 'busy', now())::refusals, now() + ${lifetimeMs + lateByMs}::float8 * interval '1 ms')`;
    return row?.isKept;
  };
  // The clocks of a gateway and of the database may differ a little.
  assert.deepEqual([await isKept(0), await isKept(50), await isKept(200)], [true, true, false]);
});
