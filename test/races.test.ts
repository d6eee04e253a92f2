import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, mailbox, database } = await startSystem({
  gateways: 2,
  workers: 2,
  mail: true,
  env: { LOGIN_ATTEMPTS: '50', TRUSTED_PROXIES: '127.0.0.1' },
});
const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: PASSWORD };

let addresses = 0;

/** The same, or nearly so, so many times at once, from one address, in turns at both gateways. */
function race(times: number, what: string, body: (index: number) => unknown, token?: string): Promise<Answer[]> {
  const headers = { 'x-forwarded-for': `10.0.0.${++addresses}` };
  const asked = Array.from({ length: times }, (_, index) =>
    call(cluster.urls[index % 2] as string, what, { body: body(index), headers, ...(token && { token }) }),
  );
  return Promise.all(asked);
}

const [here] = cluster.urls as [string];
const outcomes = (answers: Answer[]) => {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) counts[body.code ?? status] = (counts[body.code ?? status] ?? 0) + 1;
  return counts;
};

async function codeFor(email: string, token?: string): Promise<string> {
  await call(here, 'POST /api/users/send-otp', { body: { email }, ...(token && { token }) });
  return mailbox.code(email);
}

test('of fifty who register with one code one does', async () => {
  const email = 'once@example.com';
  const otp = await codeFor(email);
  const answers = await race(50, 'POST /api/users/register-otp', () => ({ ...person, email, otp }));
  assert.deepEqual(outcomes(answers), { 201: 1, wrong_otp: 49 });
});

test('of fifty changes of e-mail with one code one is made', async () => {
  const { token } = await createAccount(here);
  const email = 'changed@example.com';
  const otp = await codeFor(email, token);
  const { password: _, ...record } = person;
  const answers = await race(50, 'PUT /api/users/update-otp', () => ({ ...record, email, otp }), token);
  assert.deepEqual(outcomes(answers), { 200: 1, wrong_otp: 49 });
});

test('fifty registrations of one e-mail in different case make one account', async () => {
  const email = 'abcdefg@example.com';
  const inCase = (bits: number) =>
    [...email].map((letter, place) => ((bits >> place) & 1 ? letter.toUpperCase() : letter)).join('');
  const answers = await race(50, 'POST /api/users/register', (index) => ({ ...person, email: inCase(index) }));
  assert.deepEqual(outcomes(answers), { 201: 1, email_taken: 49 });
  const rows = await database`select from users where lower(email) = ${email}`;
  assert.equal(rows.length, 1);
});

test('of a hundred wrong logins exactly the allowed number are looked at', async () => {
  const { email } = await createAccount(here);
  const answers = await race(100, 'POST /api/users/login', () => ({ email, password: 'not the one' }));
  assert.deepEqual(outcomes(answers), { rate_limited: 50, wrong_credentials: 50 });
});

test('a hundred wrong codes are five tries', async () => {
  const email = 'guessed@example.com';
  const otp = await codeFor(email);
  const wrong = (index: number) => String((Number(otp) + 1 + index) % 1_000_000).padStart(6, '0');
  const answers = await race(100, 'POST /api/users/register-otp', (index) => ({ ...person, email, otp: wrong(index) }));
  assert.deepEqual(outcomes(answers), { wrong_otp: 100 });
  const right = await call(here, 'POST /api/users/register-otp', { body: { ...person, email, otp } });
  assert.equal(right.body.code, 'wrong_otp');
});

test('of fifty logins with one code one succeeds, though the password is right in all', async () => {
  const { email } = await createAccount(here);
  const otp = await codeFor(email);
  const answers = await race(50, 'POST /api/users/login-otp', () => ({ email, password: PASSWORD, otp }));
  assert.deepEqual(outcomes(answers), { 200: 1, wrong_otp: 49 });
});
