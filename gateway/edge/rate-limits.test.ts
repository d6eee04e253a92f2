import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import { createLog } from '../../shared/log.ts';
import { testServices } from '../../test/support/system.ts';
import { RateLimits } from './rate-limits.ts';

const redis = new Redis(testServices().redisUrl);
const broken = new Redis({ port: 1, lazyConnect: true, enableOfflineQueue: false, retryStrategy: () => null });
after(() => {
  redis.disconnect();
  broken.disconnect();
});

const config = {
  REDIS_PREFIX: `rooms-${newId()}`,
  RATE_LIMIT: 3,
  RATE_WINDOW: 60_000,
  LOGIN_ATTEMPTS: 2,
  LOGIN_WINDOW: 60_000,
  REGISTRATION_LIMIT: 4,
  REGISTRATION_WINDOW: 60_000,
};
const log = createLog('test', 'silent');
const rateLimits = new RateLimits(redis, config, log);
const withoutRedis = new RateLimits(broken, config, log);

const wrong = () => Promise.reject(new Refusal('wrong_credentials'));
const right = async () => 'token';
let addresses = 0;
const newAddress = () => `10.0.0.${++addresses}`;

/** Repeats an action until a limit refuses the action. @returns how often the action was allowed */
async function countAllowed(act: () => Promise<unknown>): Promise<number> {
  for (let allowed = 0; allowed < 1_000; allowed++) {
    try {
      await act();
    } catch (error) {
      if ((error as Refusal).code === 'rate_limited') return allowed;
      if ((error as Refusal).code !== 'wrong_credentials' && (error as Refusal).code !== 'wrong_otp') throw error;
    }
  }
  return assert.fail('1,000 attempts were allowed');
}

test('an address may send RATE_LIMIT requests per window, and a refusal has the seconds to wait', async () => {
  const address = newAddress();
  assert.equal(await countAllowed(async () => rateLimits.countRequest(address)), 3);
  await assert.rejects(async () => rateLimits.countRequest(address), { code: 'rate_limited', retryAfter: 60 });
  await rateLimits.countRequest(newAddress());
});

test('an address may try LOGIN_ATTEMPTS wrong passwords for one account, and a success resets the count', async () => {
  const [email, address] = [`${newId()}@example.com`, newAddress()];
  await assert.rejects(rateLimits.guardLogin(email, address, wrong), { code: 'wrong_credentials' });
  assert.equal(await rateLimits.guardLogin(email, address, right), 'token');
  assert.equal(await countAllowed(() => rateLimits.guardLogin(email.toUpperCase(), address, wrong)), 2);
  await assert.rejects(rateLimits.guardLogin(email, address, right), { code: 'rate_limited' });
});

test('an attempt that fails for another reason than a wrong password does not count', async () => {
  const [email, address] = [`${newId()}@example.com`, newAddress()];
  const busy = () => Promise.reject(new Refusal('busy'));
  for (let index = 0; index < 5; index++) {
    await assert.rejects(rateLimits.guardLogin(email, address, busy), { code: 'busy' });
  }
  assert.equal(await countAllowed(() => rateLimits.guardLogin(email, address, wrong)), 2);
});

test('10 × LOGIN_ATTEMPTS wrong passwords from unknown addresses stop no login from a known address', async () => {
  const [email, knownAddress] = [`${newId()}@example.com`, newAddress()];
  await rateLimits.guardLogin(email, knownAddress, right);
  assert.equal(await countAllowed(() => rateLimits.guardLogin(email, newAddress(), wrong)), 20);
  assert.equal(await rateLimits.guardLogin(email, knownAddress, right), 'token');
});

test('an address may try 10 × LOGIN_ATTEMPTS wrong passwords for different accounts', async () => {
  const address = newAddress();
  assert.equal(await countAllowed(() => rateLimits.guardLogin(`${newId()}@example.com`, address, wrong)), 20);
});

test('an account gets LOGIN_ATTEMPTS mails for one address, and 2 × as many for all unknown addresses', async () => {
  const email = `${newId()}@example.com`;
  const address = newAddress();
  assert.equal(await countAllowed(() => rateLimits.countOtpMail(email, address)), 2);
  assert.equal(await countAllowed(() => rateLimits.countOtpMail(email, newAddress())), 2);
});

test('an address may try 2 × LOGIN_ATTEMPTS wrong one-time passwords, and right ones do not count', async () => {
  const address = newAddress();
  for (let index = 0; index < 10; index++) await rateLimits.guardOtp(address, right);
  const wrongOtp = () => Promise.reject(new Refusal('wrong_otp'));
  assert.equal(await countAllowed(() => rateLimits.guardOtp(address, wrongOtp)), 4);
});

test('an address may make REGISTRATION_LIMIT accounts, and a user may make 40 × LOGIN_ATTEMPTS searches', async () => {
  const [address, userId] = [newAddress(), newId()];
  assert.equal(await countAllowed(() => rateLimits.countRegistration(address)), 4);
  assert.equal(await countAllowed(() => rateLimits.countSearch(userId)), 80);
});

test('if the second limit refuses an attempt, the attempt does not count for the first limit', async () => {
  const address = newAddress();
  await countAllowed(() => rateLimits.guardLogin(`${newId()}@example.com`, address, wrong));
  await assert.rejects(rateLimits.guardLogin(`${newId()}@example.com`, address, wrong), { code: 'rate_limited' });
  const keys = await redis.keys(`${config.REDIS_PREFIX}:limit:logins:*:${address}`);
  const counts = (await redis.mget(keys)).map(Number);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    20,
  );
});

test('without Redis, requests pass, and every action that needs a limit for safety is refused', async () => {
  await withoutRedis.countRequest('10.0.0.1');
  const guarded = [
    withoutRedis.guardLogin('a@example.com', '10.0.0.1', right),
    withoutRedis.countOtpMail('a@example.com', '10.0.0.1'),
    withoutRedis.guardOtp('10.0.0.1', right),
    withoutRedis.countRegistration('10.0.0.1'),
    withoutRedis.countSearch(newId()),
  ];
  for (const each of guarded) await assert.rejects(each, { code: 'unavailable' });
});
