import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { User } from '../shared/contract/answers.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import { bodyOf, refused } from './support/answers.ts';
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

async function getCode(email: string, token?: string): Promise<string> {
  await sendOtp({ email }, token);
  return mailbox.takeCode(email);
}

const wrongCode = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

test('a person registers with a mailed code and logs in with another one', async () => {
  const email = newEmail();
  await sendOtp({ email });
  const mail = await mailbox.take(email);
  assert.equal(mail.from, '"Rooms 💬" <rooms@example.com>');
  const [code] = /\b\d{6}\b/.exec(mail.text) ?? [];
  assert.match(mail.text, /^\d{6} is your code to create your account\.\n\nYou can use it once, within 5 minutes\./);
  assert.ok(mail.html.includes(`<strong>${code}</strong>`));
  const registered = await post('register-otp', { ...person, email, otp: code }, undefined, gatewayB);
  assert.equal(bodyOf(User, registered, 201).email, email);

  const answer = await logIn(email.toUpperCase(), await getCode(email));
  const { token } = bodyOf(v.object({ token: v.string() }), answer);
  assert.equal(bodyOf(User, await call(gatewayB, 'GET /api/users/current', { token })).email, email);
});

test('a code works once, over all gateways', async () => {
  const otp = await getCode(ann.email);
  assert.equal((await logIn(ann.email, otp)).status, 200);
  refused(await logIn(ann.email, otp, gatewayB), 'wrong_otp');
});

test('5 wrong codes over two gateways end the right code', async () => {
  const otp = await getCode(ann.email);
  for (let count = 0; count < 5; count++) {
    refused(await logIn(ann.email, wrongCode(otp), count % 2 ? gatewayA : gatewayB), 'wrong_otp');
  }
  refused(await logIn(ann.email, otp), 'wrong_otp');
});

test('a code works after 4 wrong codes, and a wrong code with a wrong password does not count', async () => {
  const otp = await getCode(ann.email);
  for (let count = 0; count < 4; count++) refused(await logIn(ann.email, wrongCode(otp)), 'wrong_otp');
  const login = { email: ann.email, password: 'wrong password', otp: wrongCode(otp) };
  refused(await post('login-otp', login), 'wrong_credentials');
  assert.equal((await logIn(ann.email, otp)).status, 200);
});

test('a new code ends the code before it', async () => {
  const older = await getCode(ann.email);
  let newer = await getCode(ann.email);
  while (newer === older) newer = await getCode(ann.email);
  refused(await logIn(ann.email, older), 'wrong_otp');
  assert.equal((await logIn(ann.email, newer)).status, 200);
});

test('a code works only for its purpose, its e-mail and its user', async () => {
  const email = newEmail();
  const forRegistration = await getCode(email);
  refused(await put('update-otp', { ...record, email, otp: forRegistration }, ann.token), 'wrong_otp');
  refused(await post('register-otp', { ...person, email: newEmail(), otp: forRegistration }), 'wrong_otp');

  const forAnn = await getCode(email, ann.token);
  refused(await put('update-otp', { ...record, email, otp: forAnn }, bob.token), 'wrong_otp');
  const forLogin = await getCode(ann.email);
  refused(await put('update-otp', { ...record, email: ann.email, otp: forLogin }, ann.token), 'wrong_otp');
});

test('a user changes their e-mail with a code that is mailed to the new one, and logs in with the new one', async () => {
  const { token, email: former } = await createAccount(gatewayA, 'Cyd');
  const email = newEmail();
  const update = { firstName: 'Cydney', lastName: 'Testing', phone: '987654321', email };
  refused(await put('update', update, token), 'email_unproven');
  const user = bodyOf(User, await put('update-otp', { ...update, otp: await getCode(email, token) }, token));
  assert.deepEqual([user.email, user.firstName], [email, 'Cydney']);
  assert.ok(!JSON.stringify(user).includes('987654321'));
  assert.equal((await post('login', { email, password: PASSWORD })).status, 200);
  refused(await post('login', { email: former, password: PASSWORD }), 'wrong_credentials');
});

test('a code for an e-mail that another person has registered since is refused as email_taken', async () => {
  const email = newEmail();
  const otp = await getCode(email, ann.token);
  await post('register', { firstName: 'Faster', lastName: 'Testing', email, password: PASSWORD });
  refused(await put('update-otp', { ...record, email, otp }, ann.token), 'email_taken');
});

test('a request for a code that nobody may get is answered like any other, and no mail is sent', async () => {
  await sendOtp({ email: 'nobody@example.com', purpose: 'login' });
  await sendOtp({ email: ann.email, purpose: 'register' });
  await sendOtp({ email: bob.email }, ann.token);
  // The worker serves the queue in order, so a mail for an earlier request would be here before this code.
  await getCode(ann.email);
  assert.deepEqual(mailbox.mails, []);
});

test('a request with a revoked token gets a login code, and no code for an update', async () => {
  const { email, token } = await createAccount(gatewayA, 'Cyd');
  await post('logout', undefined, token);
  assert.equal((await logIn(email, await getCode(email, token))).status, 200);
  refused(await post('send-otp', { email, purpose: 'update' }, token), 'token_revoked');
  refused(await post('send-otp', { email, purpose: 'update' }), 'no_token');
});

test('Redis holds a keyed hash of a code, without the code or the e-mail, for at most 5 minutes', async () => {
  const otp = await getCode(newEmail());
  const keys = await redis.keys(`${cluster.prefix}:otp:*`);
  assert.ok(keys.length > 0);
  for (const key of keys) {
    const text = JSON.stringify([key, await redis.hgetall(key)]);
    assert.ok(!text.includes(otp) && !text.includes('somebody'), text);
    const leftMs = await redis.pttl(key);
    assert.ok(leftMs > 0 && leftMs <= 300_000, `${leftMs}`);
  }
});

const registration = () => ({ ...person, email: newEmail(), otp: '123456' });
const refusals: [path: string, body: unknown, code: ErrorCode][] = [
  ['send-otp', {}, 'missing_field'],
  ['send-otp', { email: 'nobody' }, 'invalid_field'],
  ['send-otp', { email: newEmail(), purpose: 'fun' }, 'invalid_field'],
  ['register-otp', { ...registration(), otp: undefined }, 'missing_field'],
  ['register-otp', { ...registration(), otp: '12345' }, 'invalid_field'],
  ['register-otp', { ...registration(), otp: 123456 }, 'invalid_field'],
  ['register-otp', registration(), 'wrong_otp'],
  ['register-otp', { ...registration(), phone: undefined }, 'missing_field'],
  ['register-otp', { ...registration(), phone: '1234567' }, 'too_short'],
  ['register-otp', { ...registration(), phone: '12345678901' }, 'too_long'],
  ['register-otp', { ...registration(), phone: 'call me!' }, 'invalid_field'],
  ['login-otp', { email: newEmail(), password: PASSWORD }, 'missing_field'],
  ['login-otp', { email: newEmail(), password: PASSWORD, otp: '123456' }, 'wrong_credentials'],
];
for (const [path, body, code] of refusals) {
  test(`${path} with ${JSON.stringify(body)} is refused as ${code}`, async () => {
    refused(await post(path, body), code);
  });
}
