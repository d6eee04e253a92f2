import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { User } from '../shared/contract/answers.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const { cluster, mailbox } = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: { SENDER_NAME: 'Rooms 💬', EMAIL: 'rooms@example.com', OTP_EXPIRY: '5m' },
});
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const redis = new Redis(testServices().redisUrl);
after(() => redis.disconnect());
const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];

const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: PASSWORD };
const record = { firstName: 'Ann', lastName: 'Testing', phone: '123456789' };
let emails = 0;
const newEmail = () => `somebody.${++emails}@example.com`;

const post = (path: string, body: unknown, token?: string, url = gatewayA) =>
  call(url, `POST /api/users/${path}`, { body, token });
const put = (path: string, body: unknown, token: string) => call(gatewayA, `PUT /api/users/${path}`, { body, token });
const logIn = (email: string, otp: string, url = gatewayA) =>
  post('login-otp', { email, password: PASSWORD, otp }, undefined, url);

async function sendOtp(body: { email: string; purpose?: string }, token?: string): Promise<void> {
  assert.deepEqual(bodyOf(v.unknown(), await post('send-otp', body, token)), { message: 'otp sent' });
}

async function requestOtp(email: string, token?: string): Promise<string> {
  await sendOtp({ email }, token);
  return mailbox.takeOtp(email);
}

const wrongOtp = (otp: string) => String((Number(otp) + 1) % 1_000_000).padStart(6, '0');

test('a person registers with a mailed one-time password and logs in with another one', async () => {
  const email = newEmail();
  await sendOtp({ email });
  const mail = await mailbox.take(email);
  assert.equal(mail.from, '"Rooms 💬" <rooms@example.com>');
  const [otp] = /\b\d{6}\b/.exec(mail.text) ?? [];
  assert.match(mail.text, /^\d{6} is your code to create your account\.\n\nYou can use it once, within 5 minutes\./);
  assert.ok(mail.html.includes(`<strong>${otp}</strong>`));
  const registered = await post('register-otp', { ...person, email, otp }, undefined, gatewayB);
  assert.equal(bodyOf(User, registered, 201).email, email);

  const answer = await logIn(email.toUpperCase(), await requestOtp(email));
  const { token } = bodyOf(v.object({ token: v.string() }), answer);
  assert.equal(bodyOf(User, await call(gatewayB, 'GET /api/users/current', { token })).email, email);
});

test('a one-time password that was used at one gateway is refused at another', async () => {
  const otp = await requestOtp(ann.email);
  assert.equal((await logIn(ann.email, otp)).status, 200);
  refused(await logIn(ann.email, otp, gatewayB), 'wrong_otp');
});

test('after 5 wrong one-time passwords, the right one no longer works', async () => {
  const otp = await requestOtp(ann.email);
  for (let count = 0; count < 5; count++) {
    refused(await logIn(ann.email, wrongOtp(otp), count % 2 ? gatewayA : gatewayB), 'wrong_otp');
  }
  refused(await logIn(ann.email, otp), 'wrong_otp');
});

test('a one-time password works after 4 wrong ones and a login with a wrong password', async () => {
  const otp = await requestOtp(ann.email);
  for (let count = 0; count < 4; count++) refused(await logIn(ann.email, wrongOtp(otp)), 'wrong_otp');
  const login = { email: ann.email, password: 'wrong password', otp: wrongOtp(otp) };
  refused(await post('login-otp', login), 'wrong_credentials');
  assert.equal((await logIn(ann.email, otp)).status, 200);
});

test('a new one-time password replaces the earlier one', async () => {
  const first = await requestOtp(ann.email);
  let second = await requestOtp(ann.email);
  while (second === first) second = await requestOtp(ann.email);
  refused(await logIn(ann.email, first), 'wrong_otp');
  assert.equal((await logIn(ann.email, second)).status, 200);
});

test('a one-time password works only for its purpose, its e-mail and its user', async () => {
  const email = newEmail();
  const forRegistration = await requestOtp(email);
  refused(await put('update-otp', { ...record, email, otp: forRegistration }, ann.token), 'wrong_otp');
  refused(await post('register-otp', { ...person, email: newEmail(), otp: forRegistration }), 'wrong_otp');

  const forAnn = await requestOtp(email, ann.token);
  refused(await put('update-otp', { ...record, email, otp: forAnn }, bob.token), 'wrong_otp');
  const forLogin = await requestOtp(ann.email);
  refused(await put('update-otp', { ...record, email: ann.email, otp: forLogin }, ann.token), 'wrong_otp');
});

test('a user changes their e-mail with a one-time password that is mailed to the new e-mail address', async () => {
  const { token, email: oldEmail } = await createAccount(gatewayA, 'Cyd');
  const email = newEmail();
  const update = { firstName: 'Cydney', lastName: 'Testing', phone: '987654321', email };
  refused(await put('update', update, token), 'email_unproven');
  const user = bodyOf(User, await put('update-otp', { ...update, otp: await requestOtp(email, token) }, token));
  assert.deepEqual([user.email, user.firstName], [email, 'Cydney']);
  assert.ok(!JSON.stringify(user).includes('987654321'));
  assert.equal((await post('login', { email, password: PASSWORD })).status, 200);
  refused(await post('login', { email: oldEmail, password: PASSWORD }), 'wrong_credentials');
});

test('a change to an e-mail that another person has registered meanwhile is refused as email_taken', async () => {
  const email = newEmail();
  const otp = await requestOtp(email, ann.token);
  await post('register', { firstName: 'Faster', lastName: 'Testing', email, password: PASSWORD });
  refused(await put('update-otp', { ...record, email, otp }, ann.token), 'email_taken');
});

test('a request for a one-time password that is not allowed has the usual answer but sends no mail', async () => {
  await sendOtp({ email: 'nobody@example.com', purpose: 'login' });
  await sendOtp({ email: ann.email, purpose: 'register' });
  await sendOtp({ email: bob.email }, ann.token);
  // The worker sends the mails in order. So a mail for an earlier request would arrive before this mail.
  await requestOtp(ann.email);
  assert.deepEqual(mailbox.mails, []);
});

test('a request with a revoked token gets a one-time password for a login', async () => {
  const { email, token } = await createAccount(gatewayA, 'Cyd');
  await post('logout', undefined, token);
  assert.equal((await logIn(email, await requestOtp(email, token))).status, 200);
});

test('a one-time password for an update requires a valid token', async () => {
  const { email, token } = await createAccount(gatewayA, 'Cyd');
  await post('logout', undefined, token);
  refused(await post('send-otp', { email, purpose: 'update' }, token), 'token_revoked');
  refused(await post('send-otp', { email, purpose: 'update' }), 'no_token');
});

test('Redis stores only a hash of a one-time password, for at most 5 minutes', async () => {
  const otp = await requestOtp(newEmail());
  const keys = await redis.keys(`${cluster.prefix}:otp:*`);
  assert.ok(keys.length > 0);
  for (const key of keys) {
    const text = JSON.stringify([key, await redis.hgetall(key)]);
    assert.ok(!text.includes(otp) && !text.includes('somebody'), text);
    const leftMs = await redis.pttl(key);
    assert.ok(leftMs > 0 && leftMs <= 300_000, `${leftMs}`);
  }
});

const registrationWith = (changes: object) => ({ ...person, email: newEmail(), otp: '123456', ...changes });
const refusals: [path: string, description: string, body: unknown, code: ErrorCode][] = [
  ['send-otp', 'without an e-mail', {}, 'missing_field'],
  ['send-otp', 'with an e-mail without @', { email: 'nobody' }, 'invalid_field'],
  ['send-otp', 'with an unknown purpose', { email: newEmail(), purpose: 'fun' }, 'invalid_field'],
  ['register-otp', 'without a one-time password', registrationWith({ otp: undefined }), 'missing_field'],
  ['register-otp', 'with a one-time password of 5 digits', registrationWith({ otp: '12345' }), 'invalid_field'],
  ['register-otp', 'with a number as the one-time password', registrationWith({ otp: 123456 }), 'invalid_field'],
  ['register-otp', 'with a wrong one-time password', registrationWith({}), 'wrong_otp'],
  ['register-otp', 'without a phone', registrationWith({ phone: undefined }), 'missing_field'],
  ['register-otp', 'with a phone of 7 characters', registrationWith({ phone: '1234567' }), 'too_short'],
  ['register-otp', 'with a phone of 11 characters', registrationWith({ phone: '12345678901' }), 'too_long'],
  ['register-otp', 'with letters in the phone', registrationWith({ phone: 'call me!' }), 'invalid_field'],
  ['login-otp', 'without a one-time password', { email: newEmail(), password: PASSWORD }, 'missing_field'],
  [
    'login-otp',
    'with an unknown e-mail',
    { email: newEmail(), password: PASSWORD, otp: '123456' },
    'wrong_credentials',
  ],
];
for (const [path, description, body, code] of refusals) {
  test(`POST /api/users/${path} ${description} is refused as ${code}`, async () => {
    refused(await post(path, body), code);
  });
}
