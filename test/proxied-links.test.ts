import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const { cluster } = await startSystem({ gateways: 1, workers: 1, proxyLinks: true });

test('with proxyLinks, every connection goes through a proxy, and a new gateway takes the address of an old one', async () => {
  const [url] = cluster.urls as [string];
  const ann = await createAccount(url, 'Ann');
  const client = await Client.connect(url, ann.token);
  await client.commit({ command: 'CreateRoom', text: 'a room' });
  const kinds = () =>
    cluster.links.map(({ postgres, redis }) => [...postgres.links, ...redis.links].map((link) => link.kind));
  const [ofWorker, ofGateway] = kinds() as [string[], string[]];
  for (const kind of ['postgres', 'blocking', 'producer']) assert.ok(ofWorker.includes(kind), `${kind}: ${ofWorker}`);
  for (const kind of ['postgres', 'subscriber']) assert.ok(ofGateway.includes(kind), `${kind}: ${ofGateway}`);
  assert.ok((cluster.links[1]?.clients?.links.size ?? 0) > 0);

  process.kill(cluster.gateways[0]?.pid as number, 'SIGKILL');
  await client.waitForClose();
  await until(() => cluster.links.length === 1);
  assert.equal(await cluster.startGateway(Number(new URL(url).port)), url);
  assert.deepEqual(cluster.urls, [url]);
  const next = await Client.connect(url, ann.token);
  assert.equal(next.welcome.rooms.length, 3);
  await next.close();
});
