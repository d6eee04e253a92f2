import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import type { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import { createLog } from '../../shared/log.ts';
import { connectRedis } from '../../shared/redis.ts';
import { startTestRedis, testServices } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';
import { LeasedCounter, type LeasedCounterOptions } from './leased-counter.ts';
import { WindowCounter, type WindowLimit } from './window-counter.ts';

const log = createLog('test', 'silent');
const prefix = `rooms-${newId()}`;
const connections: Redis[] = [];
after(() => {
  for (const redis of connections) redis.disconnect();
});

/** Makes the counter of one gateway, with its own connection. */
function newGateway(options?: LeasedCounterOptions) {
  const redis = new Redis(testServices().redisUrl, { enableOfflineQueue: false, retryStrategy: () => null });
  connections.push(redis);
  const counter = new LeasedCounter(new WindowCounter(redis, prefix, log), options);
  return { redis, counter, ready: new Promise((resolve) => redis.once('ready', resolve)) };
}

const [a, b] = [newGateway(), newGateway()];
await Promise.all([a.ready, b.ready]);

const newLimit = (max: number, windowMs = 60_000): WindowLimit => ({ name: newId(), max, windowMs });

/** Takes until a refusal. @returns how many actions were allowed */
async function countAllowed(counter: LeasedCounter, limit: WindowLimit, most = Number.POSITIVE_INFINITY) {
  for (let allowed = 0; allowed < most; allowed++) {
    const refusal = await counter.take(limit).catch((error: unknown) => error as Refusal);
    if (!('code' in refusal)) continue;
    assert.equal(refusal.code, 'rate_limited');
    return allowed;
  }
  return most;
}

for (const max of [1, 3, 20, 100, 999]) {
  test(`two gateways that refuse have together allowed exactly the maximum of ${max}`, async () => {
    const limit = newLimit(max);
    const allowed = await Promise.all([countAllowed(a.counter, limit), countAllowed(b.counter, limit)]);
    assert.equal(allowed[0] + allowed[1], max);
  });

  test(`of ${2 * max} actions at the same time on two gateways, exactly ${max} are allowed`, async () => {
    const limit = newLimit(max);
    const takes = Array.from({ length: 2 * max }, (_, index) => (index % 2 ? a : b).counter.take(limit));
    const results = await Promise.allSettled(takes);
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, max);
  });
}

test('a gateway that stops to use its lease keeps at most a tenth of the maximum from the others', async () => {
  const limit = newLimit(1_000);
  const allowed = (await countAllowed(a.counter, limit, 301)) + (await countAllowed(b.counter, limit));
  assert.ok(allowed >= 900 && allowed <= 1_000, `${allowed}`);
});

test('20 gateways that each use one count leave the rest of the limit to the others', async () => {
  const limit = newLimit(100);
  const gateways = Array.from({ length: 20 }, () => new LeasedCounter(new WindowCounter(a.redis, prefix, log)));
  for (const counter of gateways) await counter.take(limit);
  assert.equal(await countAllowed(b.counter, limit), 80);
});

test('a lease is used, and a refusal is repeated, without a connection to Redis', async () => {
  const { redis, counter, ready } = newGateway();
  await ready;
  const [limit, usedUp] = [newLimit(1_000), newLimit(2)];
  assert.equal(await countAllowed(counter, limit, 200), 200);
  assert.equal(await countAllowed(counter, usedUp), 2);
  redis.disconnect();
  await until(async () => redis.status === 'end');
  let local = 0;
  while (await counter.take(limit).catch(({ code }: Refusal) => assert.equal(code, 'unavailable'))) local++;
  assert.ok(local > 0 && local <= 100, `${local}`);
  await assert.rejects(counter.take(usedUp), { code: 'rate_limited', retryAfter: 60 });
});

test('with a free part, a gateway asks Redis only after it, and then counts it', async () => {
  const [one, other] = [newGateway({ freePart: 0.1 }), newGateway({ freePart: 0.1 })];
  await Promise.all([one.ready, other.ready]);
  const limit = newLimit(100);
  for (let count = 0; count < 10; count++) assert.equal(one.counter.takeNow(limit)?.remaining, 99 - count);
  assert.equal(one.counter.takeNow(limit), undefined);
  assert.equal(await countAllowed(b.counter, limit, 1), 1);
  assert.equal((await countAllowed(one.counter, limit)) + (await countAllowed(b.counter, limit)), 89);
  // This gateway does not know that the limit is reached. It allows its free part.
  assert.equal(await countAllowed(other.counter, limit), 10);
});

test('when the window has ended, the whole maximum is allowed again', async () => {
  const limit = newLimit(30, 50);
  await countAllowed(a.counter, limit);
  await until(async () => (await a.counter.take(limit).catch(() => undefined))?.remaining === 29);
});

test('an action learns how many more are allowed, and when the window ends', async () => {
  const limit = newLimit(10);
  const { resetMs, ...first } = await a.counter.take(limit);
  assert.deepEqual(first, { max: 10, remaining: 9 });
  assert.ok(resetMs > 0 && resetMs <= 60_000, `${resetMs}`);
  assert.equal((await a.counter.take(limit)).remaining, 8);
});

test('actions with the same limit are counted in the order of the calls', async () => {
  const limit = newLimit(50);
  const order: number[] = [];
  const note = (index: number) => a.counter.take(limit).then(() => order.push(index));
  const first = Array.from({ length: 20 }, (_, index) => note(index));
  await first[0];
  const later = Array.from({ length: 20 }, (_, index) => note(20 + index));
  await Promise.all([...first, ...later]);
  assert.deepEqual(
    order,
    Array.from({ length: 40 }, (_, index) => index),
  );
});

test('ten thousand names need no more memory than the maximum number of leases', async () => {
  const { counter, ready } = newGateway({ maxLeases: 100 });
  await ready;
  for (let round = 0; round < 100; round++) {
    await Promise.all(Array.from({ length: 100 }, () => counter.take(newLimit(5))));
  }
  for (let index = 0; index < 200; index++) await counter.take(newLimit(5));
  assert.ok(counter.size <= 100, `${counter.size}`);
});

test('leases of ended windows are removed', async () => {
  const { counter, ready } = newGateway();
  await ready;
  for (let index = 0; index < 200; index++) await counter.take(newLimit(5, 1));
  await until(async () => {
    await counter.take(newLimit(5, 1));
    return counter.size < 20;
  });
});

test('a Redis that has lost its counts and its scripts starts a new window', async () => {
  const { url } = await startTestRedis();
  const redis = connectRedis(url, 'producer', 'rooms-test', log);
  connections.push(redis);
  await new Promise((resolve) => redis.once('ready', resolve));
  const counter = new LeasedCounter(new WindowCounter(redis, prefix, log));
  const limit = newLimit(1_000);
  assert.equal(await countAllowed(counter, limit, 10), 10);
  await redis.multi().flushall().script('FLUSH').exec();
  assert.equal(await countAllowed(counter, limit, 500), 500);
});
