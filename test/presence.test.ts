import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { User } from '../shared/contract/answers.ts';
import { bodyOf } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ann = await createAccount(gatewayA, 'Ann');
const bob = await createAccount(gatewayA, 'Bob');

const get = (path: string, url = gatewayB) => call(url, `GET ${path}`, { token: ann.token });

async function isOnline({ id }: Account, url = gatewayB): Promise<boolean> {
  return bodyOf(User, await get(`/api/users/${id}`, url)).isOnline;
}

async function connect(url: string, { token }: Account): Promise<Client> {
  const client = await Client.connect(url, token);
  after(() => client.close());
  return client;
}

test('a user is online at both gateways until their last socket is closed', async () => {
  assert.equal(await isOnline(bob), false);
  const clients = [await connect(gatewayA, bob), await connect(gatewayA, bob), await connect(gatewayB, bob)];
  await until(() => isOnline(bob));
  for (const client of clients) {
    for (const url of [gatewayA, gatewayB]) assert.equal(await isOnline(bob, url), true);
    await client.close();
  }
  await until(async () => !(await isOnline(bob)));
});

test('the list of users and the search show who is online', async () => {
  const client = await connect(gatewayA, bob);
  await until(() => isOnline(bob));
  for (const path of ['/api/users', `/api/users/email/${bob.email}`]) {
    const users = bodyOf(v.array(User), await get(path));
    assert.equal(users.find(({ id }) => id === bob.id)?.isOnline, true, path);
    assert.equal(users.find(({ id }) => id === ann.id)?.isOnline ?? false, false, path);
  }
  await client.close();
});

test('a user is offline after the gateway of their only socket has stopped', async () => {
  const url = await cluster.startGateway();
  const client = await Client.connect(url, bob.token);
  await until(() => isOnline(bob));
  await cluster.gateways.at(-1)?.stop();
  await client.waitForClose();
  assert.equal(await isOnline(bob), false);
});

test('a user with a refused socket is not online', async () => {
  const { id, token, email } = await createAccount(gatewayA, 'Cyd');
  await call(gatewayA, 'POST /api/users/logout', { token });
  const client = await Client.connect(gatewayA, token, 'classic');
  await client.waitForClose();
  assert.equal(await isOnline({ id, token, email }), false);
});
