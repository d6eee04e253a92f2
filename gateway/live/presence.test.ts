import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { newId } from '../../shared/contract/ids.ts';
import { createLog } from '../../shared/log.ts';
import { testServices } from '../../test/support/system.ts';
import { until } from '../../test/support/until.ts';
import { Presence } from './presence.ts';

const times = { renewEveryMs: 50, leaseMs: 250, forgetAfterMs: 60_000 };
const log = createLog('test', 'silent');
const open: { presence: Presence; redis: Redis }[] = [];
let prefix: string;

beforeEach(() => {
  prefix = `rooms-${newId()}`;
});
after(async () => {
  await Promise.all(open.map(({ presence }) => presence.close()));
  for (const { redis } of open) redis.disconnect();
});

/** Makes the presence of one gateway, with its own connection to Redis. */
async function startGateway(gatewayTimes = times): Promise<{ presence: Presence; redis: Redis }> {
  const redis = new Redis(testServices().redisUrl, { retryStrategy: null, lazyConnect: true });
  await redis.connect();
  const gateway = { redis, presence: new Presence({ redis, gatewayId: newId(), prefix, times: gatewayTimes, log }) };
  open.push(gateway);
  return gateway;
}

/** Waits until, of the users `all`, only the users `online` are online. */
async function becomesOnline(presence: Presence, all: string[], online: string[]): Promise<void> {
  let found = new Set<string>();
  await until(
    async () => {
      found = await presence.whoIsOnline(all);
      return found.size === online.length && online.every((id) => found.has(id));
    },
    undefined,
    () => `${[...found]} are online, not ${online}`,
  );
}

test('a user is online until the user has left all gateways', async () => {
  const [one, two] = [await startGateway(), await startGateway()];
  const users = [newId(), newId()] as const;
  const [ann, bob] = users;
  one.presence.enter(ann);
  two.presence.enter(ann);
  two.presence.enter(bob);
  for (const { presence } of [one, two]) await becomesOnline(presence, [...users], [ann, bob]);
  one.presence.leave(ann);
  two.presence.leave(bob);
  await becomesOnline(one.presence, [...users], [ann]);
  two.presence.leave(ann);
  await becomesOnline(one.presence, [...users], []);
});

test('whoIsOnline returns only users of its list, and an empty set for an empty list', async () => {
  const { presence } = await startGateway();
  const [ann, bob] = [newId(), newId()];
  presence.enter(ann);
  presence.enter(bob);
  await becomesOnline(presence, [ann], [ann]);
  assert.deepEqual(await presence.whoIsOnline([]), new Set());
});

test('after its lease, the users of a crashed gateway are offline, and all other users stay online', async () => {
  const [crashing, running] = [await startGateway(), await startGateway()];
  const [ann, bob] = [newId(), newId()];
  crashing.presence.enter(ann);
  running.presence.enter(bob);
  await becomesOnline(running.presence, [ann, bob], [ann, bob]);
  crashing.redis.disconnect(); // from now on, this gateway cannot renew its lease
  await becomesOnline(running.presence, [ann, bob], [bob]);
});

test('a set that Redis lost is written again at the next renewal', async () => {
  const { presence, redis } = await startGateway();
  const users = Array.from({ length: 2_500 }, newId);
  for (const user of users) presence.enter(user);
  await becomesOnline(presence, users, users);
  const keys = await redis.keys(`${prefix}:online*`);
  assert.equal(keys.length, 2, keys.join());
  await redis.del(...keys);
  await becomesOnline(presence, users, users);
});

test('a user whose write to Redis failed is written at the next renewal', async () => {
  const { presence, redis } = await startGateway();
  const [ann, bob] = [newId(), newId()];
  presence.enter(ann);
  await becomesOnline(presence, [ann, bob], [ann]);
  const pipeline = redis.pipeline;
  redis.pipeline = () => {
    redis.pipeline = pipeline;
    throw new Error('Redis does not answer');
  };
  presence.enter(bob);
  await becomesOnline(presence, [ann, bob], [ann, bob]);
});

test('the users who enter during a write are written together after it', async () => {
  const { presence, redis } = await startGateway();
  const users = Array.from({ length: 20 }, newId);
  const sadd = redis.sadd;
  const written: number[] = [];
  redis.sadd = ((key: string, ...ids: string[]) => {
    written.push(ids.length);
    // This write ends after all users have entered.
    const entered = written.length === 1 ? enterOneByOne(presence, users.slice(1)) : Promise.resolve();
    return entered.then(() => Reflect.apply(sadd, redis, [key, ...ids]));
  }) as typeof redis.sadd;
  presence.enter(users[0] as string);
  await becomesOnline(presence, users, users);
  assert.deepEqual(written, [1, 19]);
});

/** Each user enters in a turn of the event loop of their own. */
async function enterOneByOne(presence: Presence, users: string[]): Promise<void> {
  for (const user of users) {
    presence.enter(user);
    await tick();
  }
}

test('a closed gateway leaves no key in Redis', async () => {
  const { presence, redis } = await startGateway();
  const ann = newId();
  presence.enter(ann);
  await becomesOnline(presence, [ann], [ann]);
  await presence.close();
  assert.deepEqual(await redis.keys(`${prefix}:*`), []);
});

test('a gateway that did not renew its lease for forgetAfterMs is removed from the list of gateways', async () => {
  const short = { ...times, forgetAfterMs: 200 };
  const [crashing, running] = [await startGateway(short), await startGateway(short)];
  crashing.redis.disconnect();
  await until(async () => (await running.redis.zcard(`${prefix}:online`)) === 1);
});

test('without Redis, whoIsOnline returns an empty set and nothing throws', async () => {
  const { presence, redis } = await startGateway();
  redis.disconnect();
  presence.enter(newId());
  assert.deepEqual(await presence.whoIsOnline([newId()]), new Set());
});
