import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { ROOMS_V1 } from '../shared/contract/frames.ts';
import type { Cluster } from '../shared/local/cluster.ts';
import { refused } from './support/answer-checks.ts';
import { call, createAccount, signToken } from './support/client.ts';
import { type Frame, parseFrame } from './support/client-frames.ts';
import { openTestGateway } from './support/in-process.ts';
import { startSystem } from './support/system.ts';

const PATHS = ['/api/ws', '/api/ws/'];
const WEAK_SECRET = 'SecretSecretSecret';

/** A weak secret is accepted only in `dev`. Without a value, `WS_QUERY_TOKEN` is on in `dev`. */
const dev = await startSystem({
  gateways: 1,
  workers: 1,
  env: { LOG_LEVEL: 'trace', ENVIRONMENT: 'dev', WS_QUERY_TOKEN: '', API_SECRET: WEAK_SECRET },
});
const [devUrl] = dev.cluster.urls as [string];

/** Starts one more gateway, with the accounts of `dev`. */
async function startGateway(env: Record<string, string>): Promise<Cluster> {
  const { databaseUrl } = dev;
  const { cluster } = await startSystem({ gateways: 1, workers: 0, databaseUrl, env: { LOG_LEVEL: 'trace', ...env } });
  return cluster;
}

const switchedOff: Record<string, Cluster> = {
  'without ENVIRONMENT': await startGateway({ ENVIRONMENT: '', WS_QUERY_TOKEN: '' }),
  'in dev with WS_QUERY_TOKEN=false': await startGateway({
    ENVIRONMENT: 'dev',
    WS_QUERY_TOKEN: 'false',
    API_SECRET: WEAK_SECRET,
  }),
};

const ann = await createAccount(devUrl, 'Ann');

interface OpenSocket {
  first: Frame;
  closed: Promise<{ code: number; reason: string }>;
  close(): void;
}

/** Opens a socket with a token in the URL, as a browser does. Resolves with the first frame. */
async function open(url: string, path: string, token: string, headers = {}): Promise<OpenSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}?token=${token}`, [ROOMS_V1], { headers });
  after(() => socket.terminate());
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: reason.toString() }));
  const [data] = await once(socket, 'message');
  return { first: parseFrame(data.toString()), closed, close: () => socket.close() };
}

for (const path of PATHS) {
  test(`in dev, ${path}?token= opens a socket`, async () => {
    const socket = await open(devUrl, path, ann.token);
    assert.equal(socket.first.command, 'Welcome', JSON.stringify(socket.first));
    socket.close();
    refused((await open(devUrl, path, 'nonsense')).first, 'bad_token');
  });
}

for (const [when, cluster] of Object.entries(switchedOff)) {
  const [url] = cluster.urls as [string];

  for (const path of PATHS) {
    test(`${when}, ${path}?token= is refused with a reason that names WS_QUERY_TOKEN`, async () => {
      const token = await signToken(cluster.secret, ann.id, '1h');
      const { first, closed } = await open(url, path, token);
      assert.match(refused(first, 'query_token_off').error, /WS_QUERY_TOKEN/);
      const { code, reason } = await closed;
      assert.equal(code, 4401);
      assert.match(reason, /^query_token_off: .*WS_QUERY_TOKEN=true/);
    });
  }

  test(`${when}, a socket with the header Authorization opens, even with a token in the URL`, async () => {
    const token = await signToken(cluster.secret, ann.id, '1h');
    const socket = await open(url, '/api/ws/', token, { authorization: `Bearer ${token}` });
    assert.equal(socket.first.command, 'Welcome', JSON.stringify(socket.first));
    socket.close();
  });

  test(`${when}, the log names WS_QUERY_TOKEN once after several refused sockets`, () => {
    const [gateway] = cluster.gateways;
    assert.ok(gateway);
    assert.equal(cluster.logOf(gateway).match(/WS_QUERY_TOKEN/g)?.length, 1, cluster.logOf(gateway));
  });
}

test('a refused token in the URL counts for the limit of requests', async () => {
  const { url, addUser } = await openTestGateway({ WS_QUERY_TOKEN: 'false', RATE_LIMIT: '2', RATE_WINDOW: '1h' });
  const { token } = await addUser();
  const codes = [];
  for (let index = 0; index < 3; index++) codes.push((await (await open(url, '/api/ws', token)).closed).code);
  assert.deepEqual(codes, [4401, 4401, 4129]);
});

test('a socket that waits for the refusal of its token in the URL counts for the limit of its address', async () => {
  const { url, gateway, addUser } = await openTestGateway({ WS_QUERY_TOKEN: 'false', SOCKETS_PER_ADDRESS: '1' });
  const { token } = await addUser();
  const { promise, resolve } = Promise.withResolvers<undefined>();
  gateway.rateLimits.countRequest = () => promise;
  const address = `${url.replace('http', 'ws')}/api/ws?token=${token}`;
  const first = new WebSocket(address);
  const closed = once(first, 'close');
  await once(first, 'open');
  const second = new WebSocket(address);
  const refusal = once(second, 'unexpected-response').then(([, response]) => response.statusCode);
  assert.equal(await Promise.race([refusal, once(second, 'open')]), 429);
  resolve(undefined);
  assert.equal((await closed)[0], 4401);
});

test('an error of Postgres while a token in a URL is checked is logged without the token', async () => {
  const [gateway] = dev.cluster.gateways;
  assert.ok(gateway);
  await dev.database`alter table users rename to hidden_users`;
  try {
    for (const path of PATHS) refused((await open(devUrl, path, ann.token)).first, 'internal');
  } finally {
    await dev.database`alter table hidden_users rename to users`;
  }
  const output = dev.cluster.logOf(gateway);
  assert.match(output, /a request failed/);
  for (const part of ann.token.split('.')) assert.ok(!output.includes(part), `found: ${part}`);
});

test('no part of a token in a URL is in the output of a process', async () => {
  for (const cluster of [dev.cluster, ...Object.values(switchedOff)]) {
    const [url] = cluster.urls as [string];
    const [valid, expired] = await Promise.all(['1h', '-1s'].map((time) => signToken(cluster.secret, ann.id, time)));
    const strange = await signToken(cluster.secret, 'the-subject-is-no-uuid', '1h');
    const tokens = [
      valid,
      expired,
      strange,
      `${valid}x`,
      'garbage-header.garbage-claims.garbage-signature',
    ] as string[];
    for (const token of tokens) await sendEverywhere(url, token);
    const output = [...cluster.gateways, ...cluster.workers].map((child) => cluster.logOf(child)).join('\n');
    assert.match(output, /gateway is ready/);
    const parts = tokens.flatMap((token) => token.split('.'));
    for (const part of [...parts, cluster.secret]) assert.ok(!output.includes(part), `found: ${part}`);
  }
});

/** Sends a token in the URL of sockets and of requests, and in the URL and the header of one socket. */
async function sendEverywhere(url: string, token: string): Promise<void> {
  for (const path of PATHS) {
    (await open(url, path, token)).close();
    refused(await call(url, `GET ${path}?token=${token}`), 'upgrade_needed');
  }
  refused(await call(url, `GET /api/rooms?token=${token}`), 'no_token');
  refused(await call(url, `GET /api/nothing?token=${token}`), 'no_such_route');
}

test('a gateway in dev with a weak API_SECRET prints one warning that says what to do', () => {
  const [gateway] = dev.cluster.gateways;
  assert.ok(gateway);
  const warnings = dev.cluster.logOf(gateway).match(/^warning: .*$/gm);
  assert.equal(warnings?.length, 1, String(warnings));
  assert.match(String(warnings), /API_SECRET must have at least 32 characters: openssl rand -base64 32/);
});
