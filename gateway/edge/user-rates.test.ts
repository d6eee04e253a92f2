import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import type { CommandName } from '../../shared/contract/commands.ts';
import type { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import { limits } from '../../shared/contract/limits.ts';
import { createLog } from '../../shared/log.ts';
import { testServices } from '../../test/support/system.ts';
import { UserRates } from './user-rates.ts';

const redis = new Redis(testServices().redisUrl);
const broken = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null });
broken.on('error', () => undefined);
after(() => {
  redis.disconnect();
  broken.disconnect();
});

const config = { REDIS_PREFIX: `rooms-${newId()}`, USER_RATE: 4, ROOMS_PER_HOUR: 3, ADDITIONS_PER_MINUTE: 2 };
const log = createLog('test', 'silent');
const [rates, ratesOfAnother] = [new UserRates(redis, config, log), new UserRates(redis, config, log)];

/** Counts commands at the same time, half of them at each gateway. @returns how many were allowed */
async function countAllowed(userId: string, command: CommandName, count = 100): Promise<number> {
  const gateways = [rates, ratesOfAnother];
  const counted = Array.from({ length: count }, (_, index) => gateways[index % 2]?.countCommand(userId, command));
  const results = await Promise.allSettled(counted);
  const refusals = results.filter((each) => each.status === 'rejected');
  assert.ok(refusals.every(({ reason }) => (reason as Refusal).code === 'rate_limited'));
  return count - refusals.length;
}

test('two gateways allow a user 5 seconds of USER_RATE in a window, and a tenth more, and another user as much', async () => {
  const max = 4 * limits.USER_WINDOW_SECONDS;
  for (const userId of [newId(), newId()]) {
    // The gateway that asks Redis last has allowed its free part already.
    assert.equal(await countAllowed(userId, 'CreateMessage'), max + max / 10);
  }
});

test('a slow user is counted without Redis', () => {
  const userId = newId();
  assert.equal(rates.countCommand(userId, 'CreateMessage'), undefined);
  assert.equal(rates.countCommand(userId, 'UpdateMessage'), undefined);
  assert.notEqual(rates.countCommand(userId, 'CreateMessage'), undefined);
});

test('two gateways allow a user ROOMS_PER_HOUR rooms and ADDITIONS_PER_MINUTE additions', async () => {
  const userId = newId();
  assert.equal(await countAllowed(userId, 'CreateRoom', 8), 3);
  assert.equal(await countAllowed(userId, 'AddUser', 8), 2);
  await rates.countCommand(userId, 'CreateMessage');
});

test('the counts of a user end in the order of the calls, whatever the commands', async () => {
  const userId = newId();
  const commands: CommandName[] = [
    'CreateMessage',
    'CreateRoom',
    'CreateMessage',
    'AddUser',
    'RemoveUser',
    'CreateRoom',
  ];
  const order: number[] = [];
  await Promise.all(
    commands.map(async (command, index) => {
      await rates.countCommand(userId, command);
      order.push(index);
    }),
  );
  assert.deepEqual(order, [0, 1, 2, 3, 4, 5]);
});

test('while Redis does not answer, commands pass', async () => {
  const withoutRedis = new UserRates(broken, config, log);
  for (let count = 0; count < 50; count++) await withoutRedis.countCommand(newId(), 'CreateRoom');
});
