import assert from 'node:assert/strict';
import { test } from 'node:test';
import { User } from '../shared/contract/answers.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { call, PASSWORD } from './support/client.ts';
import { runAdmin } from './support/npm-run-admin.ts';
import { startSystem } from './support/system.ts';

const env = { ALLOWED_USERS_ONLY: 'true' };
const { cluster, mailbox, databaseUrl } = await startSystem({ gateways: 1, workers: 1, mail: true, env });
const [url] = cluster.urls as [string];

const person = { firstName: 'First', lastName: 'Last', password: PASSWORD };
const register = (email: string) => call(url, 'POST /api/users/register', { body: { ...person, email } });
const sendOtp = (email: string) => call(url, 'POST /api/users/send-otp', { body: { email } });
const npmRunAdmin = (...words: string[]) => runAdmin(databaseUrl, ...words);

test('an e-mail that is not on the allow-list can neither register nor get a one-time password', async () => {
  refused(await register('uninvited@example.com'), 'not_allowed');
  await npmRunAdmin('allow', 'Invited@Example.com');
  assert.deepEqual(await npmRunAdmin('allowed'), [0, 'invited@example.com user\n']);
  for (const name of ['uninvited', 'invited']) assert.equal((await sendOtp(`${name}@example.com`)).status, 200);
  // The worker sends the mails in order. So a mail to the uninvited e-mail address would arrive before this mail.
  await mailbox.takeOtp('invited@example.com');
  assert.deepEqual(mailbox.mails, []);
  assert.deepEqual(bodyOf(User, await register('INVITED@example.com'), 201).roles, ['user']);
  await npmRunAdmin('disallow', 'invited@example.com');
  assert.deepEqual(await npmRunAdmin('allowed'), [0, '']);
});

test('an e-mail that the allow-list makes an admin can register only with a one-time password', async () => {
  const email = 'chief@example.com';
  await npmRunAdmin('allow', email, 'admin');
  refused(await register(email), 'email_unproven');
  await sendOtp(email);
  const body = { ...person, email, phone: '123456789', otp: await mailbox.takeOtp(email) };
  const user = bodyOf(User, await call(url, 'POST /api/users/register-otp', { body }), 201);
  assert.deepEqual(user.roles, ['user', 'admin']);
});
