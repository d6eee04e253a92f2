import assert from 'node:assert/strict';
import { after, mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { createLog } from '../shared/log.ts';
import { openTestGateway } from '../test/support/in-process.ts';
import { startTestRedis } from '../test/support/system.ts';
import { openGateway } from './gateway.ts';

// A test cuts the connections of this Redis. So no other test file may use it.
const { url: redisUrl } = await startTestRedis();
const { gateway, openAnother, addUser } = await openTestGateway({ REDIS_URL: redisUrl });

const childProcesses = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length;

test('a gateway that cannot reach Postgres rejects, and leaves no process behind', async () => {
  const before = childProcesses();
  const config = { ...gateway.config, DATABASE_URL: 'postgres://postgres:password@127.0.0.1:1/rooms' };
  await assert.rejects(openGateway(config, createLog('test', 'silent')));
  while (childProcesses() > before) await tick();
});

test('after a gateway has stopped, an open HTTP connection gets no answer', async () => {
  const { gateway: stopping, url } = await openAnother();
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  await stopping.stop();
  await assert.rejects(fetch(`${url}/healthz`));
});

test('the metric of statements counts each read', async () => {
  const { gateway: counting, url } = await openAnother();
  const count = async () => (await counting.metrics.statements.get()).values[0]?.value ?? 0;
  const before = await count();
  const { token } = await addUser();
  const headers = { authorization: `Bearer ${token}` };
  const reads = Array.from({ length: 5 }, () => fetch(`${url}/api/users/current`, { headers }));
  for (const { status } of await Promise.all(reads)) assert.equal(status, 200);
  assert.ok((await count()) >= before + 5);
  await counting.stop();
});

test('after a reconnect to Redis, a gateway sends its batches in flight again', async () => {
  const { gateway: reconnecting } = await openAnother();
  const redis = new Redis(redisUrl, { retryStrategy: () => null });
  after(() => redis.disconnect());
  const { promise, resolve } = Promise.withResolvers<void>();
  mock.method(reconnecting.dispatcher, 'resend', resolve);
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  await promise;
  await reconnecting.stop();
});
