import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { User } from '../shared/contract/answers.ts';
import { bodyOf } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';
import { until } from './support/until.ts';

// These tests wait for a lease of 30 seconds and use almost no CPU time. The test files start in alphabetical order, so
// the name of this file lets it start early.

const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [gatewayA, crashingGateway] = cluster.urls as [string, string];
const [ann, bob, cyd] = [
  await createAccount(gatewayA, 'Ann'),
  await createAccount(gatewayA, 'Bob'),
  await createAccount(gatewayA, 'Cyd'),
];

async function isOnline({ id }: Account): Promise<boolean> {
  return bodyOf(User, await call(gatewayA, `GET /api/users/${id}`, { token: ann.token })).isOnline;
}

const bobClient = await Client.connect(crashingGateway, bob.token);
const cydClient = await Client.connect(gatewayA, cyd.token);
cydClient.send({ command: 'Watch', rooms: ['general'] });

test('after Redis has lost who is online, the gateways restore it', async () => {
  for (const user of [bob, cyd]) await until(() => isOnline(user));
  const redis = new Redis(testServices().redisUrl);
  const keys = await redis.keys(`${cluster.prefix}:online*`);
  assert.ok(keys.length > 1, keys.join());
  await redis.del(...keys);
  redis.disconnect();
  assert.equal(await isOnline(cyd), false);
  for (const user of [bob, cyd]) await until(() => isOnline(user), 15_000);
});

test('at most 45 seconds after a gateway was killed, its users are offline', async () => {
  process.kill(cluster.gateways[1]?.pid as number, 'SIGKILL');
  await bobClient.waitForClose();
  const hasGone = () => cydClient.frames.some((frame) => frame.command === 'Presence' && frame.went?.includes(bob.id));
  await until(async () => !(await isOnline(bob)), 45_000);
  assert.equal(await isOnline(cyd), true);
  await until(hasGone, 45_000);
  await cydClient.close();
});
