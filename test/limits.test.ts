import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { newId } from '../shared/contract/ids.ts';
import { startRedis } from '../shared/local/embedded-redis.ts';
import { type Answer, Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const { cluster, mailbox } = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: {
    TRUSTED_PROXIES: '127.0.0.0/8',
    RATE_LIMIT: '20',
    RATE_WINDOW: '2s',
    LOGIN_ATTEMPTS: '5',
    LOGIN_WINDOW: '1h',
    SOCKET_RATE: '5',
    SOCKETS_PER_USER: '3',
    SOCKETS_PER_ADDRESS: '4',
  },
});
const [here, there] = cluster.urls as [string, string];

let addresses = 0;
/** An address that nobody has used yet. */
const newAddress = () => `10.0.${addresses >> 8}.${addresses++ & 255}`;
const from = (address: string) => ({ 'x-forwarded-for': address });
const ask = (what: string, body: unknown, address: string, url = here) =>
  call(url, what, { body, headers: from(address) });
const logIn = (email: string, password: string, address: string, url = here) =>
  ask('POST /api/users/login', { email, password }, address, url);
const account = (name?: string) => createAccount(here, name, from(newAddress()));
const connect = (url: string, token: string, address = newAddress()) => Client.connect(url, token, 'v1', from(address));
const count = (answers: { status: number }[], status: number) =>
  answers.filter((each) => each.status === status).length;

test('an address has so many requests in a window, over all gateways; others are not held up', async () => {
  const address = newAddress();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      call(index % 2 ? here : there, 'GET /api/rooms', { headers: from(address) }),
    ),
  );
  assert.deepEqual([count(answers, 401), count(answers, 429)], [20, 30]);
  const refused = answers.find(({ status }) => status === 429);
  assert.equal(refused?.body.code, 'rate_limited');
  const retryAfter = Number(refused?.headers.get('retry-after'));
  assert.ok(retryAfter >= 1 && retryAfter <= 2, `${retryAfter}`);
  assert.equal((await call(here, 'GET /api/rooms', { headers: from(newAddress()) })).status, 401);
  assert.equal((await call(here, 'GET /healthz', { headers: from(address) })).status, 200);
  await wait(retryAfter * 1_000);
  assert.equal((await call(there, 'GET /api/rooms', { headers: from(address) })).status, 401);
});

test('a socket is a request, too: one too many is closed with a code that says so', async () => {
  const { token } = await account();
  const address = newAddress();
  await Promise.all(Array.from({ length: 20 }, () => call(here, 'GET /api/rooms', { headers: from(address) })));
  const client = await Client.connect(there, token, 'classic', from(address));
  await client.until(() => client.closed);
  assert.deepEqual(client.closed, { code: 4129, reason: 'rate_limited' });
  assert.ok(client.frames[0].retryAfter >= 1);
});

test('after so many wrong passwords for an account from an address the right one must wait; elsewhere it need not', async () => {
  const { email } = await account();
  const address = newAddress();
  for (let index = 0; index < 5; index++) {
    assert.equal((await logIn(email, 'not the one', address, index % 2 ? here : there)).status, 401);
  }
  const refused = await logIn(email.toUpperCase(), PASSWORD, address);
  assert.deepEqual([refused.status, refused.body.code], [429, 'rate_limited']);
  assert.ok(Number(refused.headers.get('retry-after')) > 3_500);
  assert.equal((await logIn(email, PASSWORD, newAddress())).status, 200);
});

test('a right password begins anew', async () => {
  const { email } = await account();
  const address = newAddress();
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 4; index++) assert.equal((await logIn(email, 'not the one', address)).status, 401);
    assert.equal((await logIn(email, PASSWORD, address)).status, 200);
  }
});

test('strangers from everywhere cannot lock out who has logged in from his address before', async () => {
  const { email } = await account();
  const home = newAddress();
  assert.equal((await logIn(email, PASSWORD, home)).status, 200);
  const tries = Array.from({ length: 60 }, () => logIn(email, 'not the one', newAddress()));
  const answers = await Promise.all(tries);
  assert.deepEqual([count(answers, 401), count(answers, 429)], [50, 10]);
  assert.equal((await logIn(email, PASSWORD, newAddress())).status, 429);
  assert.equal((await logIn(email, PASSWORD, home, there)).status, 200);
});

test('one address tries so many accounts and no more', async () => {
  const address = newAddress();
  const attempt = (index: number) => logIn(`nobody.${index}@example.com`, 'not the one', address);
  assert.equal(await until429(attempt), 50);
});

test('so many codes are mailed for an account and an address; for the account somewhat more from elsewhere', async () => {
  const email = `${newId()}@example.com`;
  const address = newAddress();
  const send = (from: string, index: number) =>
    ask('POST /api/users/send-otp', { email }, from, index % 2 ? here : there);
  const answers = await Promise.all(Array.from({ length: 8 }, (_, index) => send(address, index)));
  assert.deepEqual([count(answers, 200), count(answers, 429)], [5, 3]);
  const elsewhere = await Promise.all(Array.from({ length: 8 }, (_, index) => send(newAddress(), index)));
  assert.deepEqual([count(elsewhere, 200), count(elsewhere, 429)], [5, 3]);
});

test('codes go on being mailed to who has logged in from his address before, whatever strangers do', async () => {
  const { email } = await account();
  const home = newAddress();
  assert.equal((await logIn(email, PASSWORD, home)).status, 200);
  const send = (from: string) => ask('POST /api/users/send-otp', { email }, from);
  const strangers = await Promise.all(Array.from({ length: 12 }, () => send(newAddress())));
  assert.deepEqual([count(strangers, 200), count(strangers, 429)], [10, 2]);
  assert.equal((await send(home)).status, 200);
});

test('an address has so many wrong codes, and right ones do not count', async () => {
  const address = newAddress();
  const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: PASSWORD, otp: '000000' };
  const wrong = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      ask(
        'POST /api/users/register-otp',
        { ...person, email: `code.${index}@example.com` },
        address,
        index % 2 ? here : there,
      ),
    ),
  );
  assert.deepEqual([count(wrong, 401), count(wrong, 429)], [10, 2]);
  const home = newAddress();
  for (let index = 0; index < 5; index++) {
    const email = `${newId()}@example.com`;
    await ask('POST /api/users/send-otp', { email }, newAddress());
    const otp = await mailbox.code(email);
    assert.equal((await ask('POST /api/users/register-otp', { ...person, email, otp }, home)).status, 201);
  }
});

test('an address makes so many accounts, and a user so many searches', async () => {
  const address = newAddress();
  const person = { firstName: 'First', lastName: 'Last', password: PASSWORD, email: 'taken@example.com' };
  const register = (index: number) => ask('POST /api/users/register', person, address, index % 2 ? here : there);
  const { token } = await account();
  const search = () => call(here, 'GET /api/users/email/nobody', { token, headers: from(newAddress()) });
  assert.deepEqual(await until429(register), 50);
  assert.deepEqual(await until429(search), 200);
});

/** How often something goes before it is refused for long: not by the limit of requests, which is over in two seconds. */
async function until429(what: (index: number) => Promise<Answer>): Promise<number> {
  for (let times = 0; ; times++) {
    let answer = await what(times);
    while (answer.status === 429 && Number(answer.headers.get('retry-after')) <= 2) {
      await wait(500);
      answer = await what(times);
    }
    if (answer.status === 429) return times;
  }
}

test('who commands faster than he may is refused so long, and goes on after that', async () => {
  const { token } = await account();
  const client = await connect(here, token);
  const { roomId } = await client.ask({ command: 'CreateRoom', text: 'a room' });
  const asked = Array.from({ length: 40 }, (_, index) =>
    client.ask({ command: 'CreateMessage', roomId, text: `message ${index}` }),
  );
  const answers = await Promise.all(asked);
  const acked = answers.filter(({ command }) => command === 'Ack').length;
  assert.ok(acked >= 19 && acked <= 22, `${acked} were acked`);
  const refused = answers.find(({ command }) => command === 'Error');
  assert.deepEqual([refused.code, refused.retryAfter], ['rate_limited', 1]);
  await wait(refused.retryAfter * 1_000);
  assert.equal((await client.ask({ command: 'CreateMessage', roomId, text: 'again' })).command, 'Ack');
  await client.close();
});

test('who floods is cut off', async () => {
  const { token } = await account();
  const client = await connect(here, token);
  for (let index = 0; index < 200; index++) client.send('nonsense');
  await client.until(() => client.closed);
  assert.deepEqual(client.closed, { code: 4129, reason: 'rate_limited' });
});

test('a user has so many sockets on a gateway, and a place that was left can be taken again', async () => {
  const { token } = await account();
  const clients = await Promise.all([1, 2, 3].map(() => connect(here, token)));
  const tooMany = await Client.connect(here, token, 'classic', from(newAddress()));
  await tooMany.until(() => tooMany.closed);
  assert.deepEqual(tooMany.closed, { code: 4129, reason: 'too_many_sockets' });
  await clients.pop()?.close();
  clients.push(await connect(here, token));
  await Promise.all(clients.map((client) => client.close()));
});

test('what a client writes before its proxy does not count, over however many lines', async () => {
  const { token } = await account();
  const [real, clients] = [newAddress(), []] as [string, Client[]];
  const headers = () => ({ 'x-forwarded-for': [newAddress(), real] });
  for (let index = 0; index < 4; index++) {
    const { token: other } = await account();
    clients.push(await Client.connect(here, other, 'v1', headers()));
  }
  await assert.rejects(Client.connect(here, token, 'v1', headers()), /Unexpected server response: 429/);
  await Promise.all(clients.map((client) => client.close()));
});

test('an address has so many sockets on a gateway', async () => {
  const address = newAddress();
  const accounts = await Promise.all(Array.from({ length: 5 }, () => account()));
  const clients = [];
  for (const { token } of accounts.slice(0, 4)) clients.push(await connect(here, token, address));
  const last = accounts[4]?.token as string;
  await assert.rejects(connect(here, last, address), /Unexpected server response: 429/);
  await clients.pop()?.close();
  clients.push(await connect(here, last, address));
  await Promise.all(clients.map((client) => client.close()));
});

test('without Redis nobody logs in and no code is sent or taken, and what needs none goes on', async () => {
  const { home } = testServices();
  const folder = join(home, newId());
  const binaries = join(process.env.ROOMS_HOME || join(import.meta.dirname, '../.rooms'), 'bin');
  const redis = await startRedis(folder, binaries, 'password');
  const system = await startSystem({ gateways: 1, workers: 1, redisUrl: redis.url });
  const [url] = system.cluster.urls as [string];
  const { email, token } = await createAccount(url);
  await redis.child.stop();
  const person = { firstName: 'First', lastName: 'Last', email, phone: '123456789', password: PASSWORD, otp: '123456' };
  const refused = await Promise.all([
    call(url, 'POST /api/users/login', { body: { email, password: PASSWORD } }),
    call(url, 'POST /api/users/login-otp', { body: { email, password: PASSWORD, otp: '123456' } }),
    call(url, 'POST /api/users/send-otp', { body: { email } }),
    call(url, 'POST /api/users/register-otp', { body: person }),
    call(url, 'POST /api/ws/ticket', { token }),
  ]);
  assert.deepEqual(
    refused.map(({ status, body }) => [status, body.code]),
    refused.map(() => [503, 'unavailable']),
  );
  assert.equal((await call(url, 'GET /api/rooms', { token })).status, 200);
});
