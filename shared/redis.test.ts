import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Redis } from 'ioredis';
import { testServices } from '../test/support/system.ts';
import { until } from '../test/support/until.ts';
import { TcpProxy } from './local/tcp-proxy.ts';
import { createLog } from './log.ts';
import { connectRedis } from './redis.ts';

const log = createLog('test', 'silent');
const proxy = await TcpProxy.open(testServices().redisUrl);
after(() => proxy.close());

function open(kind: Parameters<typeof connectRedis>[1]): Redis {
  const redis = connectRedis(proxy.url, kind, 'rooms-test', log);
  after(() => redis.disconnect());
  return redis;
}

/** Unlike `once` of Node, does not reject when the connection reports an error. */
const event = (redis: Redis, name: 'ready' | 'reconnecting') => new Promise((resolve) => redis.once(name, resolve));

test('a silent connection of each kind is replaced, also an idle one', async () => {
  const [producer, consumer, subscriber] = [open('producer'), open('consumer'), open('subscriber')];
  const opened = () => [producer, consumer, subscriber].filter(({ status }) => status === 'ready').length;
  await until(() => opened() === 3);
  const replaced = [producer, consumer, subscriber].map((redis) => event(redis, 'ready'));
  assert.equal(proxy.cut('deaf'), 3);
  // Nobody uses the producer and the consumer: their own pings find the silence. The command of the subscriber waits.
  const answer = subscriber.client('GETNAME');
  await Promise.all(replaced);
  assert.equal(await answer, 'rooms-test-subscriber');
  assert.equal(await producer.client('GETNAME'), 'rooms-test-producer');
  assert.equal(await consumer.client('GETNAME'), 'rooms-test-consumer');
});

test('a connection that Redis accepts, and on which it never answers, is opened again', async () => {
  proxy.cut('accept-deaf');
  const consumer = open('consumer');
  const answer = consumer.ping();
  await event(consumer, 'reconnecting');
  proxy.heal();
  assert.equal(await answer, 'PONG');
});
