import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from '../shared/contract/errors.ts';
import { newId } from '../shared/contract/ids.ts';
import type { Answer } from './support/answer-checks.ts';
import { codeOf, countCodes, refused } from './support/answer-checks.ts';
import { Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

const RATE_WINDOW_MS = 2_000;

const { cluster, mailbox } = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: {
    TRUSTED_PROXIES: '127.0.0.0/8',
    RATE_LIMIT: '20',
    RATE_WINDOW: `${RATE_WINDOW_MS / 1_000}s`,
    LOGIN_ATTEMPTS: '5',
    LOGIN_WINDOW: '1h',
    REGISTRATION_LIMIT: '50',
    REGISTRATION_WINDOW: '1h',
    SOCKET_RATE: '5',
    SOCKETS_PER_USER: '3',
    SOCKETS_PER_ADDRESS: '4',
  },
});
const [gatewayA, gatewayB] = cluster.urls as [string, string];

let addresses = 0;
/** An IP address that no request has used yet. In this file, every address is an IP address. */
const newAddress = () => `10.0.${addresses >> 8}.${addresses++ & 255}`;
const headersFrom = (ipAddress: string) => ({ 'x-forwarded-for': ipAddress });
const post = (path: string, body: unknown, address: string, url = gatewayA) =>
  call(url, `POST /api/users/${path}`, { body, headers: headersFrom(address) });
const attemptLogin = (email: string, password: string, address: string, url = gatewayA) =>
  post('login', { email, password }, address, url);
const newAccount = () => createAccount(gatewayA, 'Ann', headersFrom(newAddress()));

async function connect(url: string, token: string, address = newAddress()): Promise<Client> {
  const client = await Client.connect(url, token, 'v1', headersFrom(address));
  after(() => client.close());
  return client;
}

/**
 * Sends `count` requests at the same time: half to gateway A and half to gateway B.
 * @returns how many answers had each error code or status
 */
async function countAnswers(count: number, send: (url: string, index: number) => Promise<Answer>) {
  const requests = Array.from({ length: count }, (_, index) => send(index % 2 ? gatewayB : gatewayA, index));
  return countCodes(await Promise.all(requests));
}

test('an IP address that sent 20 requests in a window is refused by every gateway until the window ends', async () => {
  const address = newAddress();
  const getRooms = (url: string) => call(url, 'GET /api/rooms', { headers: headersFrom(address) });
  assert.deepEqual(await countAnswers(50, getRooms), { no_token: 20, rate_limited: 30 });
  const answer = await getRooms(gatewayA);
  refused(answer, 'rate_limited');
  const retryAfter = Number(answer.headers.get('retry-after'));
  assert.ok(retryAfter >= 1 && retryAfter <= 2, `${retryAfter}`);
  refused(await call(gatewayA, 'GET /api/rooms', { headers: headersFrom(newAddress()) }), 'no_token');
  assert.equal((await call(gatewayA, 'GET /healthz', { headers: headersFrom(address) })).status, 200);
  await until(async () => codeOf(await getRooms(gatewayB)) === 'no_token');
});

test('a socket that opens after 20 requests from its IP address is closed with 4129', async () => {
  const { token } = await newAccount();
  const address = newAddress();
  await countAnswers(20, () => call(gatewayA, 'GET /api/rooms', { headers: headersFrom(address) }));
  const client = await Client.connect(gatewayB, token, 'classic', headersFrom(address));
  assert.deepEqual(await client.waitForClose(), { code: 4129, reason: 'rate_limited' });
  assert.ok((client.errors()[0]?.retryAfter ?? 0) >= 1);
});

test('after 5 wrong passwords, the right password is refused from the same IP address only', async () => {
  const { email } = await newAccount();
  const address = newAddress();
  for (let index = 0; index < 5; index++) {
    refused(await attemptLogin(email, 'wrong password', address, index % 2 ? gatewayA : gatewayB), 'wrong_credentials');
  }
  const answer = await attemptLogin(email.toUpperCase(), PASSWORD, address);
  refused(answer, 'rate_limited');
  assert.ok(Number(answer.headers.get('retry-after')) > 3_500);
  assert.equal((await attemptLogin(email, PASSWORD, newAddress())).status, 200);
});

test('the right password resets the counter of wrong passwords', async () => {
  const { email } = await newAccount();
  const address = newAddress();
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 4; index++) {
      refused(await attemptLogin(email, 'wrong password', address), 'wrong_credentials');
    }
    assert.equal((await attemptLogin(email, PASSWORD, address)).status, 200);
  }
});

test('after 60 wrong passwords from 60 IP addresses, a login still works from an IP address that logged in before', async () => {
  const { email } = await newAccount();
  const knownAddress = newAddress();
  assert.equal((await attemptLogin(email, PASSWORD, knownAddress)).status, 200);
  const counts = await countAnswers(60, () => attemptLogin(email, 'wrong password', newAddress()));
  assert.deepEqual(counts, { wrong_credentials: 50, rate_limited: 10 });
  refused(await attemptLogin(email, PASSWORD, newAddress()), 'rate_limited');
  assert.equal((await attemptLogin(email, PASSWORD, knownAddress, gatewayB)).status, 200);
});

test('an account gets at most 10 one-time passwords, and one IP address can request only 5 of them', async () => {
  const email = `${newId()}@example.com`;
  const address = newAddress();
  const countMails = (addressOfRequest: () => string) =>
    countAnswers(8, (url) => post('send-otp', { email }, addressOfRequest(), url));
  assert.deepEqual(await countMails(() => address), { 200: 5, rate_limited: 3 });
  assert.deepEqual(await countMails(newAddress), { 200: 5, rate_limited: 3 });
});

test('after strangers requested all 10 one-time passwords of an account, an IP address that logged in before still gets one', async () => {
  const { email } = await newAccount();
  const knownAddress = newAddress();
  assert.equal((await attemptLogin(email, PASSWORD, knownAddress)).status, 200);
  const counts = await countAnswers(12, (url) => post('send-otp', { email }, newAddress(), url));
  assert.deepEqual(counts, { 200: 10, rate_limited: 2 });
  assert.equal((await post('send-otp', { email }, knownAddress)).status, 200);
});

const registerWithOtp = (email: string, otp: string, address: string, url = gatewayA) => {
  const person = { firstName: 'First', lastName: 'Last', phone: '123456789', password: PASSWORD };
  return post('register-otp', { ...person, email, otp }, address, url);
};

test('an IP address may send 10 wrong one-time passwords', async () => {
  const address = newAddress();
  const sendWrongOtp = (url: string, index: number) =>
    registerWithOtp(`wrong.${index}@example.com`, '000000', address, url);
  assert.deepEqual(await countAnswers(12, sendWrongOtp), { wrong_otp: 10, rate_limited: 2 });
});

test('an IP address may send more than 10 right one-time passwords', async () => {
  const address = newAddress();
  for (let index = 0; index < 11; index++) {
    const email = `${newId()}@example.com`;
    await post('send-otp', { email }, newAddress());
    assert.equal((await registerWithOtp(email, await mailbox.takeOtp(email), address)).status, 201);
  }
});

// These tests wait for several rate windows, so they run at the same time.
describe('limits above 20 requests, for which one IP address needs several rate windows', { concurrency: true }, () => {
  test('an IP address may send 50 wrong passwords for all accounts together', async () => {
    const address = newAddress();
    const attempt = (index: number) => attemptLogin(`nobody.${index}@example.com`, 'wrong password', address);
    assert.equal(await countUntilLimited(attempt), 50);
  });

  test('an IP address may send 50 registrations', async () => {
    const address = newAddress();
    const person = { firstName: 'First', lastName: 'Last', password: PASSWORD, email: 'taken@example.com' };
    const register = (index: number) => post('register', person, address, index % 2 ? gatewayA : gatewayB);
    assert.equal(await countUntilLimited(register), 50);
  });
});

test('a user may send 200 searches', async () => {
  const { token } = await newAccount();
  const search = () => call(gatewayA, 'GET /api/users/email/nobody', { token, headers: headersFrom(newAddress()) });
  assert.equal(await countUntilLimited(search), 200);
});

/**
 * Counts the requests until one is refused with a Retry-After that is longer than the rate window. The limit of 20
 * requests per window also refuses, but for a shorter time. After such a refusal, sends the same request again.
 */
async function countUntilLimited(send: (index: number) => Promise<Answer>): Promise<number> {
  for (let count = 0; ; ) {
    const answer = await send(count);
    const waitMs = Number(answer.headers.get('retry-after')) * 1_000;
    if (answer.status !== errors.rate_limited.status) count++;
    else if (waitMs > RATE_WINDOW_MS) return count;
    else await sleep(waitMs);
  }
}

test('after about 20 commands without a pause, commands of a socket are refused, and accepted again a second later', async () => {
  const { token } = await newAccount();
  const client = await connect(gatewayA, token);
  const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
  const write = (text: string) => client.ask({ command: 'CreateMessage', roomId, text });
  const answers = await client.together(() => Array.from({ length: 40 }, (_, index) => write(`message ${index}`)));
  const acked = answers.filter(({ command }) => command === 'Ack').length;
  assert.ok(acked >= 19 && acked <= 22, `${acked} were acked`);
  for (const error of client.errors()) assert.deepEqual([error.code, error.retryAfter], ['rate_limited', 1]);
  await until(async () => (await write('again')).command === 'Ack');
});

test('a socket that sends 200 frames without a pause is closed with 4129', async () => {
  const { token } = await newAccount();
  const client = await connect(gatewayA, token);
  for (let index = 0; index < 200; index++) client.send('nonsense');
  assert.deepEqual(await client.waitForClose(), { code: 4129, reason: 'rate_limited' });
});

test('a user may have 3 open sockets at the same time on one gateway', async () => {
  const { token } = await newAccount();
  const [first] = await Promise.all([1, 2, 3].map(() => connect(gatewayA, token)));
  const fourth = await Client.connect(gatewayA, token, 'classic', headersFrom(newAddress()));
  assert.deepEqual(await fourth.waitForClose(), { code: 4129, reason: 'too_many_sockets' });
  await first?.close();
  await connect(gatewayA, token);
});

test('an IP address may have 4 open sockets at the same time on one gateway', async () => {
  const address = newAddress();
  const accounts = await Promise.all([1, 2, 3, 4, 5].map(newAccount));
  const [extraToken = '', ...tokens] = accounts.map(({ token }) => token);
  const [first] = await Promise.all(tokens.map((token) => connect(gatewayA, token, address)));
  await assert.rejects(connect(gatewayA, extraToken, address), /Unexpected server response: 429/);
  await first?.close();
  await connect(gatewayA, extraToken, address);
});

test('a forged IP address in an additional X-Forwarded-For header is ignored', async () => {
  const realAddress = newAddress();
  const connectForged = (token: string) =>
    Client.connect(gatewayA, token, 'v1', { 'x-forwarded-for': [newAddress(), realAddress] });
  const accounts = await Promise.all([1, 2, 3, 4, 5].map(newAccount));
  const [extraToken = '', ...tokens] = accounts.map(({ token }) => token);
  const clients = await Promise.all(tokens.map(connectForged));
  await assert.rejects(connectForged(extraToken), /Unexpected server response: 429/);
  await Promise.all(clients.map((client) => client.close()));
});
