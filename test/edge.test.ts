import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import { Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const PAGE = 'https://chat.example.com';
const open = await startSystem({ gateways: 1, workers: 1, mail: true });
const listed = await startSystem({
  gateways: 1,
  workers: 1,
  env: { CORS_ORIGIN: `${PAGE}, http://localhost:3000`, ENVIRONMENT: 'production' },
});
const [openUrl, listedUrl] = [open.cluster.urls[0] as string, listed.cluster.urls[0] as string];

const ask = async (url: string, origin: string | undefined, method = 'GET', path = '/api/rooms') => {
  const response = await fetch(url + path, { method, headers: { ...(origin && { origin }) } });
  await response.text();
  const { status, headers } = response;
  return { status, cors: (name: string) => headers.get(`access-control-${name}`), headers };
};

test('with CORS_ORIGIN=* every page may ask, but never as somebody', async () => {
  for (const origin of [PAGE, undefined]) {
    const { cors } = await ask(openUrl, origin);
    assert.deepEqual([cors('allow-origin'), cors('allow-credentials')], ['*', null]);
  }
});

test('with a list the pages on it may ask, and others are told nothing', async () => {
  for (const origin of [PAGE, 'http://localhost:3000']) {
    const { cors, headers } = await ask(listedUrl, origin);
    assert.deepEqual(
      [cors('allow-origin'), cors('allow-credentials'), headers.get('vary')],
      [origin, 'true', 'Origin'],
    );
  }
  for (const origin of ['https://evil.example.com', `${PAGE}.evil.com`, 'null', undefined]) {
    const { cors, headers } = await ask(listedUrl, origin);
    assert.deepEqual([cors('allow-origin'), cors('allow-credentials'), headers.get('vary')], [null, null, 'Origin']);
  }
});

test('a browser that asks beforehand hears what it may send', async () => {
  for (const path of ['/api/rooms', '/api/users/login/', '/api/nonsense']) {
    const { status, cors } = await ask(listedUrl, PAGE, 'OPTIONS', path);
    assert.deepEqual([status, cors('allow-origin')], [204, PAGE]);
    assert.equal(cors('allow-methods'), 'GET, POST, PUT, DELETE');
    assert.equal(cors('allow-headers'), 'Authorization, Content-Type, Idempotency-Key');
  }
  assert.equal((await ask(listedUrl, 'https://evil.example.com', 'OPTIONS')).cors('allow-origin'), null);
});

test('every answer says how it is to be treated, refusals too', async () => {
  const paths = ['/healthz', '/api/rooms', '/api/nonsense', '/api/ws'];
  for (const [url, isProduction] of [
    [openUrl, false],
    [listedUrl, true],
  ] as const) {
    for (const path of paths) {
      const { headers } = await ask(url, PAGE, 'GET', path);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/);
      assert.equal(headers.has('strict-transport-security'), isProduction);
    }
  }
});

test('a page that is not on the list opens no socket', async () => {
  const { token } = await createAccount(listedUrl);
  const socket = new WebSocket(`${listedUrl.replace('http', 'ws')}/api/ws`, {
    origin: 'https://evil.example.com',
    headers: { authorization: `Bearer ${token}` },
  });
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 403);
  assert.equal(JSON.parse(await text(response)).code, 'origin_not_allowed');
  for (const headers of [{ origin: PAGE }, {}]) await (await Client.connect(listedUrl, token, 'v1', headers)).close();
});

/** Sends a request a little at a time. @returns what came back until the server closed */
async function dribble(start: string, more: string): Promise<string> {
  const socket = connect(Number(new URL(openUrl).port), '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(start);
  const drip = setInterval(() => socket.write(more), 500);
  const answer = await text(socket);
  clearInterval(drip);
  return answer;
}

test('who sends a request at a snail’s pace, or half of one and no more, is cut off', { timeout: 60_000 }, async () => {
  const head = 'POST /api/users/login HTTP/1.1\r\nHost: rooms\r\nContent-Type: application/json\r\n';
  const answers = await Promise.all([
    dribble(head, 'X-Slow: 1\r\n'),
    dribble(`${head}Content-Length: 10000\r\n\r\n{`, ' '),
    dribble(head, ''),
    dribble('', ''),
  ]);
  for (const answer of answers) assert.doesNotMatch(answer, /^HTTP\/1\.1 2/);
  assert.equal((await call(openUrl, 'GET /healthz')).status, 200);
});

test('a body over 16 KB is refused before it has come, and so is one that grows over it', async () => {
  const socket = connect(Number(new URL(openUrl).port), '127.0.0.1');
  socket.write(
    'POST /api/users/login HTTP/1.1\r\nHost: rooms\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
  );
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 413 .*"body_too_large"/s);
  const chunks = connect(Number(new URL(openUrl).port), '127.0.0.1');
  chunks.on('error', () => undefined);
  chunks.write(
    'POST /api/users/login HTTP/1.1\r\nHost: rooms\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
  );
  for (let index = 0; index < 5; index++) chunks.write(`1000\r\n${' '.repeat(4096)}\r\n`);
  assert.match(await text(chunks), /^HTTP\/1\.1 413 .*"body_too_large"/s);
});

test('no secret stands in a log, a job, Redis or Postgres', async () => {
  const { cluster, mailbox, database } = open;
  const email = 'secret.keeper@example.com';
  const password = 'a secret that nobody may find';
  const body = { email, password, firstName: 'Secret', lastName: 'Keeper', phone: '123456789' };
  await call(openUrl, 'POST /api/users/send-otp', { body: { email } });
  const otp = await mailbox.code(email);
  await call(openUrl, 'POST /api/users/register-otp', { body: { ...body, otp } });
  const {
    body: { token },
  } = await call(openUrl, 'POST /api/users/login', { body: { email, password } });
  const {
    body: { ticket },
  } = await call(openUrl, 'POST /api/ws/ticket', { token });
  await call(openUrl, 'POST /api/users/login', { body: { email, password: `${password}?` } });
  await call(openUrl, 'GET /api/rooms', { token: `${token}x` });
  await (await Client.connect(openUrl, token)).close();
  const redis = new Redis(testServices().redisUrl);
  const keys = await redis.keys(`${cluster.prefix}:*`);
  const kept = await Promise.all(
    keys.map(async (key) => `${key} ${((await redis.dumpBuffer(key)) ?? '').toString('latin1')}`),
  );
  redis.disconnect();
  const [stored] =
    await database`select json_agg(users) as users, (select json_agg(lanes) from lanes) as lanes from users`;
  const logs = [...cluster.gateways, ...cluster.workers].map((child) => cluster.logOf(child));
  const everything = [...kept, ...logs, JSON.stringify(stored)].join('\n');
  assert.ok(everything.includes(email), 'the account is to be found');
  for (const secret of [password, token, ticket, PASSWORD, ` ${otp} `, `"${otp}"`]) {
    assert.ok(!everything.includes(secret), `found: ${secret}`);
  }
  assert.ok(!readFileSync('/proc/self/cmdline', 'utf8').includes(cluster.secret));
});
