import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import type { Cut, Match } from '../shared/local/tcp-proxy.ts';
import { bodyOf } from './support/answer-checks.ts';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

// Rooms works again in ten seconds. The tests wait longer, because other tests use the same machine.
const MAX_WAIT_MS = 40_000;

const { cluster } = await startSystem({ gateways: 1, workers: 1, proxyLinks: true });
const [url] = cluster.urls as [string];
const { token } = await createAccount(url, 'Ann');
const owner = await Client.connect(url, token);
const { roomId } = await owner.commit({ command: 'CreateRoom', text: 'a room' });
await owner.close();

/** Cuts the connections of all processes to Postgres and Redis, or those that match. @returns how many it cut */
const cut = (way: Cut, match?: Match) => proxies().reduce((links, proxy) => links + proxy.cut(way, match), 0);
const heal = () => {
  for (const proxy of proxies()) proxy.heal();
};
const proxies = () => cluster.links.flatMap(({ postgres, redis }) => [postgres, redis]);
const isReady = async () => (await fetch(`${url}/readyz`)).status === 200;

/** A socket opens, or it is closed with 4100 in ten seconds. @returns undefined if it is closed */
async function openSocket(): Promise<Client | undefined> {
  const client = await Client.connect(url, token);
  if (client.frames[0]?.command === 'Welcome') return client;
  assert.equal((await client.waitForClose()).code, 4100);
  return undefined;
}

async function tryToWrite(text: string, ref: string): Promise<boolean> {
  const options = { token, body: { text }, headers: { 'idempotency-key': ref } };
  const { status } = await call(url, `POST /api/messages/${roomId}`, options);
  assert.ok(status === 201 || status === 503, `${status}`);
  return status === 201;
}

/** Waits until a socket can be opened, a message can be written, and both the socket and the history get it. */
async function assertWorks(text: string): Promise<void> {
  let client: Client | undefined;
  await until(async () => {
    client = await openSocket();
    return client !== undefined;
  }, MAX_WAIT_MS);
  const ref = newId();
  await until(() => tryToWrite(text, ref), MAX_WAIT_MS);
  await client?.waitForMessage({ roomId, text });
  const history = bodyOf(v.array(Message), await call(url, `GET /api/messages/${roomId}`, { token }));
  assert.equal(history[0]?.text, text);
  await until(isReady, MAX_WAIT_MS);
  await client?.close();
}

for (const way of ['rst', 'fin', 'deaf'] as const)
  test(`after ${way} on every connection to Postgres and Redis, all processes work again`, async () => {
    assert.ok(cut(way) >= 7, 'the seven kinds of connections are cut');
    await assertWorks(way);
  });

test('after a time in which Postgres and Redis accepted connections and were silent, all processes work again', async () => {
  cut('accept-deaf');
  await until(async () => !(await isReady()), MAX_WAIT_MS);
  assert.equal(await openSocket(), undefined);
  heal();
  await assertWorks('accept-deaf');
});

test('a gateway that receives nothing closes its sockets and new ones with 4100, and is not ready, until it receives again', async () => {
  const client = await Client.connect(url, token);
  assert.equal(
    cut('accept-deaf', ({ kind }) => kind === 'subscriber'),
    1,
  );
  assert.equal((await client.waitForClose()).code, 4100);
  await until(async () => !(await isReady()), MAX_WAIT_MS);
  assert.match(await (await fetch(`${url}/readyz`)).text(), /redis/);
  assert.equal(await openSocket(), undefined);
  heal();
  await assertWorks('subscriber');
});
