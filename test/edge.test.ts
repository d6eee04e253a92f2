import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { bodyOf, refused } from './support/answer-checks.ts';
import { Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const ORIGIN = 'https://chat.example.com';
const FOREIGN_ORIGIN = 'https://evil.example.com';
/** A system that allows requests from every origin. */
const anyOrigin = await startSystem({ gateways: 1, workers: 1, mail: true, env: { ENVIRONMENT: 'dev' } });
/** A system that allows requests from a list of origins. It has the database and the accounts of `anyOrigin`. */
const listedOrigins = await startSystem({
  gateways: 1,
  workers: 0,
  databaseUrl: anyOrigin.databaseUrl,
  env: {
    CORS_ORIGIN: `${ORIGIN}, http://localhost:3000`,
    ENVIRONMENT: '',
    API_SECRET: anyOrigin.cluster.secret,
  },
});
const [anyOriginUrl] = anyOrigin.cluster.urls as [string];
const [listedOriginsUrl] = listedOrigins.cluster.urls as [string];

async function send(url: string, origin: string | undefined, request = 'GET /api/rooms') {
  const { status, headers } = await call(url, request, { headers: origin ? { origin } : {} });
  return { status, headers, cors: (name: string) => headers.get(`access-control-${name}`) };
}

test('by default, CORS allows every origin without credentials', async () => {
  for (const origin of [ORIGIN, undefined]) {
    const { cors } = await send(anyOriginUrl, origin);
    assert.deepEqual([cors('allow-origin'), cors('allow-credentials')], ['*', null]);
  }
});

test('with a list in CORS_ORIGIN, CORS allows only the origins of the list', async () => {
  for (const origin of [ORIGIN, 'http://localhost:3000']) {
    const { cors, headers } = await send(listedOriginsUrl, origin);
    assert.deepEqual([cors('allow-origin'), cors('allow-credentials')], [origin, 'true']);
    assert.equal(headers.get('vary'), 'Origin');
  }
  for (const origin of [FOREIGN_ORIGIN, `${ORIGIN}.evil.com`, 'null', undefined]) {
    const { cors, headers } = await send(listedOriginsUrl, origin);
    assert.deepEqual([cors('allow-origin'), cors('allow-credentials')], [null, null]);
    assert.equal(headers.get('vary'), 'Origin');
  }
});

test('a CORS preflight from an origin of the list gets the allowed methods and headers', async () => {
  for (const path of ['/api/rooms', '/api/users/login/', '/api/nonsense']) {
    const { status, cors } = await send(listedOriginsUrl, ORIGIN, `OPTIONS ${path}`);
    assert.deepEqual([status, cors('allow-origin')], [204, ORIGIN]);
    assert.equal(cors('allow-methods'), 'GET, POST, PUT, DELETE');
    assert.equal(cors('allow-headers'), 'Authorization, Content-Type, Idempotency-Key');
  }
  assert.equal((await send(listedOriginsUrl, FOREIGN_ORIGIN, 'OPTIONS /api/rooms')).cors('allow-origin'), null);
});

test('every answer has the security headers, and Strict-Transport-Security except in dev', async () => {
  for (const [url, isProduction] of [
    [anyOriginUrl, false],
    [listedOriginsUrl, true],
  ] as const) {
    for (const path of ['/healthz', '/api/rooms', '/api/nonsense', '/api/ws']) {
      const { headers } = await send(url, ORIGIN, `GET ${path}`);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(headers.has('strict-transport-security'), isProduction);
    }
  }
});

test('a page of an origin that is not in the list cannot open a socket', async () => {
  const { token } = await createAccount(anyOriginUrl);
  const socket = new WebSocket(`${listedOriginsUrl.replace('http', 'ws')}/api/ws`, {
    origin: FOREIGN_ORIGIN,
    headers: { authorization: `Bearer ${token}` },
  });
  const [, response] = await once(socket, 'unexpected-response');
  const body = JSON.parse(await text(response));
  refused({ status: response.statusCode, headers: new Headers(), body }, 'origin_not_allowed');
  for (const headers of [{ origin: ORIGIN }, {}] as Record<string, string>[]) {
    await (await Client.connect(listedOriginsUrl, token, 'v1', headers)).close();
  }
});

const connectTcp = () => connect(Number(new URL(anyOriginUrl).port), '127.0.0.1');
const LOGIN = 'POST /api/users/login HTTP/1.1\r\nHost: rooms\r\nContent-Type: application/json\r\n';

/**
 * Sends the start of a request, then some bytes every 500 ms.
 * @returns what the server sent before it closed the connection
 */
async function sendSlowly(start: string, bytes: string): Promise<string> {
  const socket = connectTcp().on('error', () => undefined);
  socket.write(start);
  const timer = setInterval(() => socket.write(bytes), 500);
  const answer = await text(socket);
  clearInterval(timer);
  return answer;
}

test('a connection with a slow or unfinished request is closed', { timeout: 60_000 }, async () => {
  const answers = await Promise.all([
    sendSlowly(LOGIN, 'X-Slow: 1\r\n'),
    sendSlowly(`${LOGIN}Content-Length: 10000\r\n\r\n{`, ' '),
    sendSlowly(LOGIN, ''),
    sendSlowly('', ''),
  ]);
  for (const answer of answers) assert.doesNotMatch(answer, /^HTTP\/1\.1 2/);
  assert.equal((await call(anyOriginUrl, 'GET /healthz')).status, 200);
});

test('a body with a Content-Length over 16 KB is refused before it arrives', async () => {
  const socket = connectTcp();
  socket.write(`${LOGIN}Content-Length: 1000000\r\n\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 413 .*"body_too_large"/s);
});

test('a body without a Content-Length is refused when more than 16 KB have arrived', async () => {
  const socket = connectTcp().on('error', () => undefined);
  socket.write(`${LOGIN}Transfer-Encoding: chunked\r\n\r\n`);
  for (let index = 0; index < 5; index++) socket.write(`1000\r\n${' '.repeat(4096)}\r\n`);
  assert.match(await text(socket), /^HTTP\/1\.1 413 .*"body_too_large"/s);
});

test('no password, token, ticket or one-time password is in the logs, in Redis or in Postgres', async () => {
  const { cluster, mailbox, database } = anyOrigin;
  const email = 'secret.keeper@example.com';
  const password = 'a secret that nobody may find';
  const post = (path: string, body?: unknown, token?: string) => call(anyOriginUrl, `POST ${path}`, { body, token });
  await post('/api/users/send-otp', { email });
  const otp = await mailbox.takeOtp(email);
  const person = { email, password, firstName: 'Secret', lastName: 'Keeper', phone: '123456789' };
  await post('/api/users/register-otp', { ...person, otp });
  const { token } = bodyOf(v.object({ token: v.string() }), await post('/api/users/login', { email, password }));
  const ticketAnswer = await post('/api/ws/ticket', undefined, token);
  const { ticket } = bodyOf(v.object({ ticket: v.string() }), ticketAnswer, 201);
  await post('/api/users/login', { email, password: `${password}?` });
  await call(anyOriginUrl, 'GET /api/rooms', { token: `${token}x` });
  await (await Client.connect(anyOriginUrl, token)).close();

  const logs = [...cluster.gateways, ...cluster.workers].map((child) => cluster.logOf(child));
  const [row] = await database`
    select json_agg(users) as users, (select json_agg(lanes) from lanes) as lanes from users`;
  const everything = [...(await dumpRedis(cluster.prefix)), ...logs, JSON.stringify(row)].join('\n');
  assert.ok(everything.includes(email), 'the account is not in Postgres');
  for (const secret of [password, token, ticket, PASSWORD, ` ${otp} `, `"${otp}"`]) {
    assert.ok(!everything.includes(secret), `found: ${secret}`);
  }
  assert.ok(!readFileSync('/proc/self/cmdline', 'utf8').includes(cluster.secret));
});

/** Returns every Redis key of a system with its value. */
async function dumpRedis(prefix: string): Promise<string[]> {
  const redis = new Redis(testServices().redisUrl);
  const keys = await redis.keys(`${prefix}:*`);
  const dump = async (key: string) => `${key} ${((await redis.dumpBuffer(key)) ?? '').toString('latin1')}`;
  const dumps = await Promise.all(keys.map(dump));
  redis.disconnect();
  return dumps;
}

test('connections that are reset before the gateway accepts them do no harm', async () => {
  const { pid } = listedOrigins.cluster.gateways[0] as { pid: number };
  const port = Number(new URL(listedOriginsUrl).port);
  process.kill(pid, 'SIGSTOP');
  try {
    for (let count = 0; count < 20; count++) {
      const socket = connect(port, '127.0.0.1');
      await once(socket, 'connect');
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  assert.equal((await fetch(`${listedOriginsUrl}/healthz`)).status, 200);
});
