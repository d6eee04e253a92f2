import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCodes, refused } from './support/answer-checks.ts';
import { call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, mailbox, database } = await startSystem({
  gateways: 2,
  workers: 2,
  mail: true,
  env: { LOGIN_ATTEMPTS: '50', TRUSTED_PROXIES: '127.0.0.1' },
});
const [gatewayA] = cluster.urls as [string];
const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: PASSWORD };

let addresses = 0;

/**
 * Sends requests at the same time from one new IP address, every second one to the other gateway.
 * @returns how many answers had each error code or status
 */
async function race(
  count: number,
  request: string,
  bodyAt: (index: number) => unknown,
  token?: string,
): Promise<ReturnType<typeof countCodes>> {
  const headers = { 'x-forwarded-for': `10.0.0.${++addresses}` };
  const send = (_: unknown, index: number) =>
    call(cluster.urls[index % 2] as string, request, { body: bodyAt(index), headers, token });
  return countCodes(await Promise.all(Array.from({ length: count }, send)));
}

async function requestOtp(email: string, token?: string): Promise<string> {
  await call(gatewayA, 'POST /api/users/send-otp', { body: { email }, token });
  return mailbox.takeOtp(email);
}

test('50 registrations with the same one-time password at the same time create one account', async () => {
  const email = 'once@example.com';
  const otp = await requestOtp(email);
  const counts = await race(50, 'POST /api/users/register-otp', () => ({ ...person, email, otp }));
  assert.deepEqual(counts, { 201: 1, wrong_otp: 49 });
});

test('of 50 changes of e-mail with the same one-time password at the same time, one succeeds', async () => {
  const { token } = await createAccount(gatewayA, 'Ann');
  const email = 'changed@example.com';
  const otp = await requestOtp(email, token);
  const { password: _, ...record } = person;
  const counts = await race(50, 'PUT /api/users/update-otp', () => ({ ...record, email, otp }), token);
  assert.deepEqual(counts, { 200: 1, wrong_otp: 49 });
});

test('50 registrations at the same time that differ only in upper and lower case create one account', async () => {
  const email = 'abcdefg@example.com';
  const spelling = (bits: number) =>
    [...email].map((letter, place) => ((bits >> place) & 1 ? letter.toUpperCase() : letter)).join('');
  const counts = await race(50, 'POST /api/users/register', (index) => ({ ...person, email: spelling(index) }));
  assert.deepEqual(counts, { 201: 1, email_taken: 49 });
  const rows = await database`select email from users where lower(email) = ${email}`;
  assert.equal(rows.length, 1);
});

test('of 100 logins with a wrong password at the same time, only the 50 that LOGIN_ATTEMPTS allows are checked', async () => {
  const { email } = await createAccount(gatewayA, 'Ann');
  const counts = await race(100, 'POST /api/users/login', () => ({ email, password: 'wrong password' }));
  assert.deepEqual(counts, { rate_limited: 50, wrong_credentials: 50 });
});

test('after 100 wrong one-time passwords at the same time, the right one no longer works', async () => {
  const email = 'guessed@example.com';
  const otp = await requestOtp(email);
  const wrong = (index: number) => String((Number(otp) + 1 + index) % 1_000_000).padStart(6, '0');
  const counts = await race(100, 'POST /api/users/register-otp', (index) => ({ ...person, email, otp: wrong(index) }));
  assert.deepEqual(counts, { wrong_otp: 100 });
  refused(await call(gatewayA, 'POST /api/users/register-otp', { body: { ...person, email, otp } }), 'wrong_otp');
});

test('of 50 logins with the same one-time password at the same time, one succeeds', async () => {
  const { email } = await createAccount(gatewayA, 'Ann');
  const otp = await requestOtp(email);
  const counts = await race(50, 'POST /api/users/login-otp', () => ({ email, password: PASSWORD, otp }));
  assert.deepEqual(counts, { 200: 1, wrong_otp: 49 });
});
