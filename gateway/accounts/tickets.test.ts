import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { newId } from '../../shared/contract/ids.ts';
import { encodeVersioned, PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import { createLog } from '../../shared/log.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { PayloadReader } from '../../shared/payloads.ts';
import { testServices } from '../../test/support/system.ts';
import { createTickets } from './tickets.ts';

const prefix = `rooms-${newId()}`;
const redis = new Redis(testServices().redisUrl);
const metrics = createMetrics();
const tickets = createTickets(redis, prefix, new PayloadReader(metrics, createLog('test', 'silent')));
const bearer = { userId: newId(), tokenId: newId(), version: 3, expires: Date.now() + 60_000 };
after(() => redis.disconnect());

/** Returns the key of the only ticket in Redis. */
async function ticketKey(): Promise<string> {
  const keys = await redis.keys(`${prefix}:ticket:*`);
  assert.equal(keys.length, 1, keys.join());
  return keys[0] as string;
}

test('of 20 requests with the same ticket, only one gets the bearer', async () => {
  const ticket = await tickets.issue(bearer);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => tickets.redeem(ticket)));
  const redeemed = results.filter((result) => result.status === 'fulfilled');
  assert.deepEqual(
    redeemed.map(({ value }) => value),
    [bearer],
  );
  for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.code, 'bad_ticket');
});

test('a ticket expires after at most 30 seconds, and Redis does not contain its text', async () => {
  const ticket = await tickets.issue(bearer);
  const key = await ticketKey();
  const leftMs = await redis.pttl(key);
  assert.ok(leftMs > 0 && leftMs <= 30_000, `${leftMs} ms`);
  assert.ok(!key.includes(ticket) && !(await redis.get(key))?.includes(ticket));
  await tickets.redeem(ticket);
});

test('an unknown ticket is refused', async () => {
  await assert.rejects(tickets.redeem('nonsense'), { code: 'bad_ticket' });
});

test('a stored ticket with an unknown field works', async () => {
  const ticket = await tickets.issue(bearer);
  await redis.set(await ticketKey(), encodeVersioned({ ...bearer, added: 'later' }));
  assert.deepEqual(await tickets.redeem(ticket), bearer);
});

const unreadable = {
  'a text that is not JSON': 'x',
  'an empty text': '',
  null: 'null',
  'no version': JSON.stringify(bearer),
  'a newer version': JSON.stringify({ ...bearer, v: PAYLOAD_VERSION + 1 }),
  'a user id that is not a UUID': encodeVersioned({ ...bearer, userId: 'ann' }),
};

for (const [what, stored] of Object.entries(unreadable)) {
  test(`a stored ticket with ${what} is refused and counted`, async () => {
    const before = (await metrics.unreadablePayloads.get()).values[0]?.value ?? 0;
    const ticket = await tickets.issue(bearer);
    await redis.set(await ticketKey(), stored);
    await assert.rejects(tickets.redeem(ticket), { code: 'bad_ticket' });
    assert.equal((await metrics.unreadablePayloads.get()).values[0]?.value, before + 1);
  });
}

test('without Redis, tickets are refused as unavailable', async () => {
  const closed = new Redis(testServices().redisUrl, { lazyConnect: true, enableOfflineQueue: false });
  const withoutRedis = createTickets(closed, prefix, new PayloadReader(metrics, createLog('test', 'silent')));
  await assert.rejects(withoutRedis.issue(bearer), { code: 'unavailable' });
  await assert.rejects(withoutRedis.redeem('a ticket'), { code: 'unavailable' });
  closed.disconnect();
});
