import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [here, there] = cluster.urls as [string, string];
const ann = await createAccount(here, 'Ann');

const isOnline = async (id: string, url = there): Promise<boolean> =>
  (await call(url, `GET /api/users/${id}`, { token: ann.token })).body.isOnline;

async function becomes(id: string, online: boolean): Promise<void> {
  const until = Date.now() + 45_000;
  while ((await isOnline(id)) !== online) {
    assert.ok(Date.now() < until, `still ${online ? 'offline' : 'online'} after 45 seconds`);
    await wait(20);
  }
}

test('a user is online while any of his sockets is open on any gateway', async () => {
  const bob = await createAccount(here, 'Bob');
  assert.equal(await isOnline(bob.id), false);
  const clients = [
    await Client.connect(here, bob.token),
    await Client.connect(here, bob.token),
    await Client.connect(there, bob.token),
  ];
  for (const client of clients) {
    for (const url of [here, there]) assert.equal(await isOnline(bob.id, url), true);
    await client.close();
  }
  await becomes(bob.id, false);
});

test('lists and searches tell who is online', async () => {
  const bob = await createAccount(here, 'Bob');
  const client = await Client.connect(there, bob.token);
  const lists = [
    await call(here, 'GET /api/users', { token: ann.token }),
    await call(here, `GET /api/users/email/${bob.email}`, { token: ann.token }),
  ];
  for (const { body } of lists) {
    const found = body.filter(({ id }: { id: string }) => [ann.id, bob.id].includes(id));
    for (const { id, isOnline } of found) assert.equal(isOnline, id === bob.id);
  }
  await client.close();
});

test('a socket that was refused makes nobody online', async () => {
  const bob = await createAccount(here, 'Bob');
  await call(here, 'POST /api/users/logout', { token: bob.token });
  const client = await Client.connect(here, bob.token, 'classic');
  await client.until(() => client.closed);
  assert.equal(await isOnline(bob.id), false);
});

test('a gateway that stops leaves nobody online', async () => {
  const bob = await createAccount(here, 'Bob');
  const url = await cluster.startGateway();
  const client = await Client.connect(url, bob.token);
  assert.equal(await isOnline(bob.id), true);
  await cluster.gateways.at(-1)?.stop();
  await client.until(() => client.closed);
  assert.equal(await isOnline(bob.id), false);
});

test('what Redis forgot is told again, and within 45 seconds a crashed gateway leaves nobody online', async () => {
  const [bob, cyd] = [await createAccount(here, 'Bob'), await createAccount(here, 'Cyd')];
  const url = await cluster.startGateway();
  const crashing = await Client.connect(url, bob.token);
  const living = await Client.connect(here, cyd.token);
  const redis = new Redis(testServices().redisUrl);
  const keys = await redis.keys(`${cluster.prefix}:online*`);
  assert.ok(keys.length > 1, keys.join());
  await redis.del(...keys);
  redis.disconnect();
  assert.equal(await isOnline(cyd.id), false);
  await Promise.all([becomes(bob.id, true), becomes(cyd.id, true)]);
  process.kill(cluster.gateways.at(-1)?.pid as number, 'SIGKILL');
  await crashing.until(() => crashing.closed);
  await becomes(bob.id, false);
  assert.equal(await isOnline(cyd.id), true);
  await living.close();
});
