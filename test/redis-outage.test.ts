import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refused } from './support/answer-checks.ts';
import { call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, startTestRedis } from './support/system.ts';

const redis = await startTestRedis();
const { cluster } = await startSystem({ gateways: 1, workers: 1, redisUrl: redis.url });
const [url] = cluster.urls as [string];
const { email, token } = await createAccount(url);
await redis.child.stop();

test('without Redis, nobody can log in or get a one-time password or a ticket', async () => {
  const person = { firstName: 'First', lastName: 'Last', email, phone: '123456789', password: PASSWORD, otp: '123456' };
  const answers = await Promise.all([
    call(url, 'POST /api/users/login', { body: { email, password: PASSWORD } }),
    call(url, 'POST /api/users/login-otp', { body: { email, password: PASSWORD, otp: '123456' } }),
    call(url, 'POST /api/users/send-otp', { body: { email } }),
    call(url, 'POST /api/users/register-otp', { body: person }),
    call(url, 'POST /api/ws/ticket', { token }),
  ]);
  for (const answer of answers) refused(answer, 'unavailable');
});

test('without Redis, reads still work', async () => {
  assert.equal((await call(url, 'GET /api/rooms', { token })).status, 200);
});
