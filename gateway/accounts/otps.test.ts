import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { newId } from '../../shared/contract/ids.ts';
import { OtpRequest } from '../../shared/contract/jobs.ts';
import { limits } from '../../shared/contract/limits.ts';
import { type OtpSubject, otpNames } from '../../shared/contract/otps.ts';
import { testServices } from '../../test/support/system.ts';
import { createOtpCheck } from './otp-check.ts';
import { createOtpRequests } from './otp-requests.ts';

const SECRET = 'a secret of more than 32 characters';
const prefix = `rooms-${newId()}`;
const redis = new Redis(testServices().redisUrl, { maxRetriesPerRequest: null });
const names = otpNames(prefix, SECRET);
const otps = createOtpCheck(redis, prefix, SECRET);
after(() => redis.disconnect());

const [RIGHT, WRONG] = ['123456', '654321'];
const wrongOtp = { code: 'wrong_otp' };
let emails = 0;
const newSubject = (): OtpSubject => ({ purpose: 'login', email: `somebody.${++emails}@example.com` });

/** Stores a one-time password, as the otp-email worker does. */
async function mail(subject: OtpSubject, otp = RIGHT, tries: number = limits.MAX_OTP_TRIES): Promise<void> {
  await redis.hset(names.key(subject), { hash: names.hash(subject, otp), tries });
}

test('of 20 requests with the same right one-time password, one succeeds', async () => {
  const subject = newSubject();
  await mail(subject);
  const results = await Promise.allSettled(Array.from({ length: 20 }, () => otps.consume(subject, RIGHT)));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results) if (result.status === 'rejected') assert.equal(result.reason.code, 'wrong_otp');
});

test('the right one-time password works after 4 wrong tries, but not after 5', async () => {
  const [four, five] = [newSubject(), newSubject()];
  for (const subject of [four, five]) {
    await mail(subject);
    for (let tries = 0; tries < 4; tries++) await assert.rejects(otps.consume(subject, WRONG), wrongOtp);
  }
  await otps.consume(four, RIGHT);
  await assert.rejects(otps.consume(five, WRONG), wrongOtp);
  await assert.rejects(otps.consume(five, RIGHT), wrongOtp);
  assert.equal(await redis.exists(names.key(five)), 0);
});

test('a one-time password works only for its own purpose, e-mail address and user', async () => {
  const subject: OtpSubject = { ...newSubject(), purpose: 'update', userId: newId() };
  await mail(subject);
  const { email, userId } = subject;
  const others: OtpSubject[] = [
    { ...newSubject(), purpose: 'update', userId },
    { purpose: 'update', email, userId: newId() },
    { purpose: 'update', email },
    { purpose: 'login', email },
    { purpose: 'register', email },
  ];
  for (const other of others) await assert.rejects(otps.consume(other, RIGHT), wrongOtp);
  await otps.consume({ ...subject, email: email.toUpperCase() }, RIGHT);
});

test('a new one-time password replaces the previous one', async () => {
  const subject = newSubject();
  await mail(subject, RIGHT);
  await mail(subject, WRONG);
  await assert.rejects(otps.consume(subject, RIGHT), wrongOtp);
  await otps.consume(subject, WRONG);
});

test('a request is one valid job in the otp-email queue, without a one-time password', async () => {
  const queue = new Queue('otp-email', { connection: redis, prefix });
  const requests = createOtpRequests(queue);
  const userId = newId();
  await requests.add({ email: 'ann@example.com', purpose: undefined, userId: undefined });
  await requests.add({ email: 'ann@example.com', purpose: 'update', userId });
  const jobs = await queue.getWaiting();
  assert.deepEqual(
    jobs.map(({ data }) => v.parse(OtpRequest, data)),
    [
      { v: 1, email: 'ann@example.com' },
      { v: 1, email: 'ann@example.com', purpose: 'update', userId },
    ],
  );
  for (const { opts } of jobs) {
    assert.deepEqual([opts.attempts, opts.removeOnComplete, opts.removeOnFail], [10, true, true]);
  }
  await queue.close();
});

test('without Redis, a request and a one-time password are refused as unavailable', async () => {
  const closed = new Redis(testServices().redisUrl, { maxRetriesPerRequest: null, enableOfflineQueue: false });
  const queue = new Queue('otp-email', { connection: closed, prefix });
  queue.on('error', () => undefined);
  await queue.waitUntilReady();
  closed.disconnect();
  const request = createOtpRequests(queue).add({ email: 'ann@example.com' });
  await assert.rejects(request, { code: 'unavailable' });
  await assert.rejects(createOtpCheck(closed, prefix, SECRET).consume(newSubject(), RIGHT), { code: 'unavailable' });
});
