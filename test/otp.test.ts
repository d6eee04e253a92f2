import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { type Answer, call, createAccount } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const { cluster, mailbox } = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: { SENDER_NAME: 'Rooms 💬', EMAIL: 'rooms@example.com', OTP_EXPIRY: '5m' },
});
const [here, there] = cluster.urls as [string, string];
const redis = new Redis(testServices().redisUrl);

const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: 'correct horse' };
let people = 0;
const newEmail = () => `somebody.${++people}@example.com`;
const post = (path: string, body: unknown, token?: string, url = here) =>
  call(url, `POST /api/users/${path}`, { body, ...(token && { token }) });
const put = (path: string, body: unknown, token: string) => call(here, `PUT /api/users/${path}`, { body, token });

async function codeFor(email: string, token?: string, more = {}): Promise<string> {
  const answer = await post('send-otp', { email, ...more }, token);
  assert.deepEqual([answer.status, answer.body], [200, { message: 'otp sent' }]);
  return mailbox.code(email);
}

const other = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');
const codeOf = ({ body }: Answer) => body.code;

test('who reads the mail registers, then logs in with another code', async () => {
  const email = newEmail();
  await post('send-otp', { email });
  const mail = await mailbox.take(email);
  assert.equal(mail.from, '"Rooms 💬" <rooms@example.com>');
  const [code] = /\b\d{6}\b/.exec(mail.text) ?? [];
  assert.match(mail.text, /^\d{6} is your code to create your account\.\n\nYou can use it once, within 5 minutes\./);
  assert.ok(mail.html.includes(`<strong>${code}</strong>`));
  const registered = await post('register-otp', { ...person, email, otp: code }, undefined, there);
  assert.deepEqual([registered.status, registered.body.email], [201, email]);

  const login = { email: email.toUpperCase(), password: person.password };
  const loggedIn = await post('login-otp', { ...login, otp: await codeFor(email) });
  assert.equal(loggedIn.status, 200);
  const { body: user } = await call(there, 'GET /api/users/current', { token: loggedIn.body.token });
  assert.equal(user.email, email);
});

test('a code is good once', async () => {
  const { email } = await createAccount(here);
  const otp = await codeFor(email);
  const login = { email, password: person.password, otp };
  assert.equal((await post('login-otp', login)).status, 200);
  assert.equal(codeOf(await post('login-otp', login, undefined, there)), 'wrong_otp');
});

test('after five wrong tries the right code is dead, on every gateway', async () => {
  const { email } = await createAccount(here);
  const otp = await codeFor(email);
  const login = { email, password: person.password };
  for (let count = 0; count < 5; count++) {
    const wrong = await post('login-otp', { ...login, otp: other(otp) }, undefined, count % 2 ? here : there);
    assert.deepEqual([wrong.status, codeOf(wrong)], [401, 'wrong_otp']);
  }
  assert.equal(codeOf(await post('login-otp', { ...login, otp })), 'wrong_otp');
});

test('four wrong tries leave it alive, and without the password nobody uses them up', async () => {
  const { email } = await createAccount(here);
  const otp = await codeFor(email);
  for (let count = 0; count < 4; count++)
    await post('login-otp', { email, password: person.password, otp: other(otp) });
  const stranger = await post('login-otp', { email, password: 'not the one', otp: other(otp) });
  assert.equal(codeOf(stranger), 'wrong_credentials');
  assert.equal((await post('login-otp', { email, password: person.password, otp })).status, 200);
});

test('a newer code takes the place of an older one', async () => {
  const { email } = await createAccount(here);
  const older = await codeFor(email);
  let newer = await codeFor(email);
  while (newer === older) newer = await codeFor(email);
  const login = { email, password: person.password };
  assert.equal(codeOf(await post('login-otp', { ...login, otp: older })), 'wrong_otp');
  assert.equal((await post('login-otp', { ...login, otp: newer })).status, 200);
});

test('a code is good for its purpose, its address and its user alone', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  const email = newEmail();
  const forRegistering = await codeFor(email);
  const update = { firstName: 'Ann', lastName: 'Testing', phone: '123456789' };
  assert.equal(codeOf(await put('update-otp', { ...update, email, otp: forRegistering }, ann.token)), 'wrong_otp');
  const elsewhere = { ...person, email: newEmail(), otp: forRegistering };
  assert.equal(codeOf(await post('register-otp', elsewhere)), 'wrong_otp');

  const forAnn = await codeFor(email, ann.token);
  assert.equal(codeOf(await put('update-otp', { ...update, email, otp: forAnn }, bob.token)), 'wrong_otp');
  const forLogin = await codeFor(ann.email);
  assert.equal(codeOf(await put('update-otp', { ...update, email: ann.email, otp: forLogin }, ann.token)), 'wrong_otp');
});

test('another e-mail needs the code that was mailed there; from then on it is the one to log in with', async () => {
  const { token, email: former } = await createAccount(here, 'Ann');
  const email = newEmail();
  const update = { firstName: 'Anna', lastName: 'Testing', phone: '987654321', email };
  assert.deepEqual(codeOf(await put('update', update, token)), 'email_unproven');
  const answer = await put('update-otp', { ...update, otp: await codeFor(email, token) }, token);
  assert.deepEqual([answer.status, answer.body.email, answer.body.firstName], [200, email, 'Anna']);
  assert.ok(!JSON.stringify(answer.body).includes('987654321'));
  assert.equal((await post('login', { email, password: person.password })).status, 200);
  assert.equal(codeOf(await post('login', { email: former, password: person.password })), 'wrong_credentials');
});

test('a code for an e-mail that was taken meanwhile changes nothing', async () => {
  const { token } = await createAccount(here, 'Ann');
  const email = newEmail();
  const otp = await codeFor(email, token);
  await post('register', { firstName: 'Bob', lastName: 'Faster', email, password: person.password });
  const update = { firstName: 'Ann', lastName: 'Testing', phone: '123456789', email, otp };
  assert.equal(codeOf(await put('update-otp', update, token)), 'email_taken');
});

test('who gets no code gets no mail, and the one who asked hears nothing of that', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  const asked = [
    await post('send-otp', { email: 'nobody@example.com', purpose: 'login' }),
    await post('send-otp', { email: ann.email, purpose: 'register' }),
    await post('send-otp', { email: bob.email }, ann.token),
  ];
  for (const { status, body } of asked) assert.deepEqual([status, body], [200, { message: 'otp sent' }]);
  // The queue is served in order: when this one is there, the others are done.
  await codeFor(ann.email);
  assert.deepEqual(mailbox.mails, []);
});

test('a token that has ended counts as none, unless the code is for an update', async () => {
  const { email, token } = await createAccount(here, 'Ann');
  await post('logout', undefined, token);
  const otp = await codeFor(email, token);
  assert.equal((await post('login-otp', { email, password: person.password, otp })).status, 200);
  assert.equal(codeOf(await post('send-otp', { email, purpose: 'update' }, token)), 'token_revoked');
  assert.equal(codeOf(await post('send-otp', { email, purpose: 'update' })), 'no_token');
});

test('Redis keeps no code, only a keyed hash that ends with it', async () => {
  const email = newEmail();
  const otp = await codeFor(email);
  const keys = await redis.keys(`${cluster.prefix}:otp:*`);
  const kept = await Promise.all(keys.map(async (key) => [key, await redis.hgetall(key), await redis.pttl(key)]));
  const text = JSON.stringify(kept);
  assert.ok(keys.length > 0 && !text.includes(otp) && !text.includes('somebody'), text);
  for (const [, , expiry] of kept)
    assert.ok((expiry as unknown as number) > 0 && (expiry as unknown as number) <= 300_000);
  redis.disconnect();
});

const refused: [path: string, body: unknown, code: string][] = [
  ['send-otp', {}, 'missing_field'],
  ['send-otp', { email: 'nobody' }, 'invalid_field'],
  ['send-otp', { email: newEmail(), purpose: 'fun' }, 'invalid_field'],
  ['register-otp', { ...person, email: newEmail() }, 'missing_field'],
  ['register-otp', { ...person, email: newEmail(), otp: '12345' }, 'invalid_field'],
  ['register-otp', { ...person, email: newEmail(), otp: 123456 }, 'invalid_field'],
  ['register-otp', { ...person, email: newEmail(), otp: '123456' }, 'wrong_otp'],
  ['register-otp', { ...person, email: newEmail(), otp: '123456', phone: undefined }, 'missing_field'],
  ['register-otp', { ...person, email: newEmail(), otp: '123456', phone: '1234567' }, 'too_short'],
  ['register-otp', { ...person, email: newEmail(), otp: '123456', phone: '12345678901' }, 'too_long'],
  ['register-otp', { ...person, email: newEmail(), otp: '123456', phone: 'call me!' }, 'invalid_field'],
  ['login-otp', { email: newEmail(), password: person.password }, 'missing_field'],
  ['login-otp', { email: newEmail(), password: person.password, otp: '123456' }, 'wrong_credentials'],
];
for (const [path, body, code] of refused) {
  test(`${path} ${JSON.stringify(body)} is refused as ${code}`, async () => {
    assert.equal(codeOf(await post(path, body)), code);
  });
}
