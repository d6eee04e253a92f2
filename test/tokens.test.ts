import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import * as v from 'valibot';
import { WebSocket } from 'ws';
import { ROOMS_V1 } from '../shared/contract/frames.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { type Account, Client, type ClientKind, call, createAccount, logIn } from './support/client.ts';
import { type Frame, parseFrame } from './support/client-frames.ts';
import { startSystem, startTestRedis } from './support/system.ts';

// The tests cut and pause the connections of this Redis. So no other test file may use it.
const { url: redisUrl } = await startTestRedis();
const { cluster } = await startSystem({ gateways: 2, workers: 1, redisUrl, env: { TOKEN_HOUR_LIFESPAN: '3' } });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const redis = new Redis(redisUrl, { retryStrategy: () => null });
after(() => redis.disconnect());

const REVOKED = { code: 4401, reason: 'token_revoked' };

const getCurrentUser = (token: string, url = gatewayB) => call(url, 'GET /api/users/current', { token });
const post = (path: string, token?: string, url = gatewayA) => call(url, `POST ${path}`, { token });
const newToken = ({ email }: Account) => logIn(gatewayB, email);

async function connect(url: string, token: string, kind: ClientKind = 'v1'): Promise<Client> {
  const client = await Client.connect(url, token, kind);
  after(() => client.close());
  return client;
}

async function createTicket(token: string): Promise<string> {
  return bodyOf(v.object({ ticket: v.string() }), await post('/api/ws/ticket', token), 201).ticket;
}

/** Opens a socket as a browser does: with a URL and no header. */
async function openAsBrowser(url: string, query: string): Promise<{ frame: Frame; closed: Promise<number> }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws${query}`, [ROOMS_V1]);
  after(() => socket.terminate());
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const [data] = await once(socket, 'message');
  return { frame: parseFrame(data.toString()), closed };
}

test('a token has the algorithm HS256, an issuer, an audience, an id and a lifetime of 3 hours', async () => {
  const { token, id } = await createAccount(gatewayA);
  const claims = decodeJwt(token);
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'HS256' });
  assert.deepEqual(Object.keys(claims).toSorted(), ['aud', 'exp', 'iat', 'iss', 'jti', 'sub', 'ver']);
  assert.deepEqual([claims.iss, claims.aud, claims.sub, claims.ver], ['rooms', 'rooms', id, 0]);
  assert.equal(Number(claims.exp) - Number(claims.iat), 3 * 3_600);
});

test('a logout revokes its own token at every gateway, and no other token of the user', async () => {
  const ann = await createAccount(gatewayA, 'Ann');
  const second = await newToken(ann);
  const clients = [await connect(gatewayA, ann.token), await connect(gatewayB, ann.token, 'classic')];
  const other = await connect(gatewayB, second);
  assert.deepEqual(bodyOf(v.unknown(), await post('/api/users/logout', ann.token)), { message: 'logged out' });
  for (const client of clients) {
    assert.deepEqual(await client.waitForClose(), REVOKED);
    refused(client.frames.at(-1) as Frame, 'token_revoked');
  }
  for (const url of [gatewayA, gatewayB]) refused(await getCurrentUser(ann.token, url), 'token_revoked');
  assert.equal((await getCurrentUser(second)).status, 200);
  await other.commit({ command: 'CreateRoom', text: 'a room' });
  assert.deepEqual(await (await connect(gatewayA, ann.token, 'classic')).waitForClose(), REVOKED);
});

test('logout-all revokes every earlier token of the user, and no token of another user', async () => {
  const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];
  const second = await newToken(ann);
  const clients = [await connect(gatewayA, ann.token), await connect(gatewayB, second)];
  const bobClient = await connect(gatewayB, bob.token);
  assert.equal((await post('/api/users/logout-all/', second)).status, 200);
  for (const client of clients) assert.deepEqual(await client.waitForClose(), REVOKED);
  for (const token of [ann.token, second]) refused(await getCurrentUser(token), 'token_revoked');
  assert.equal((await getCurrentUser(await newToken(ann))).status, 200);
  await bobClient.commit({ command: 'CreateRoom', text: 'a room' });
});

test('a logout closes the sockets of its token even if Redis loses the revocation', async () => {
  const ann = await createAccount(gatewayA, 'Ann');
  const client = await connect(gatewayB, ann.token);
  const answer = post('/api/users/logout', ann.token);
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  assert.equal((await answer).status, 200);
  assert.deepEqual(await client.waitForClose(), REVOKED);
});

test('a logout while a socket opens closes this socket', async () => {
  const ann = await createAccount(gatewayA, 'Ann');
  for (let round = 0; round < 10; round++) {
    const token = await newToken(ann);
    const [client] = await Promise.all([connect(gatewayB, token, 'classic'), post('/api/users/logout', token)]);
    assert.deepEqual(await client.waitForClose(), REVOKED);
  }
});

test('a command with a revoked token has no effect, even if its socket closes before the check of the token', async () => {
  const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayA, 'Bob')];
  const bobClient = await connect(gatewayA, bob.token);
  const { roomId } = await bobClient.commit({ command: 'CreateRoom', text: 'a room', roomType: 'Public' });
  await call(gatewayA, `POST /api/rooms/${roomId}/users/${ann.id}`, { token: ann.token });
  await post('/api/users/logout', ann.token);
  // Redis is paused, so the sockets close before the gateway has checked the token.
  await redis.client('PAUSE', 300, 'WRITE');
  await Promise.all(Array.from({ length: 40 }, () => sendAndClose(gatewayA, ann.token, roomId)));
  await bobClient.commit({ command: 'CreateMessage', roomId, text: 'closing marker' });
  await bobClient.waitForMessage({ text: 'closing marker' });
  assert.deepEqual(bobClient.seqs(roomId), [1, 2, 3]);
});

/** Opens a socket, then sends a message and the close frame in one write. */
async function sendAndClose(url: string, token: string, roomId: string): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp(Number(port), hostname);
  socket.write(
    `GET /api/ws HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  );
  await once(socket, 'data');
  const message = JSON.stringify({ command: 'CreateMessage', roomId, text: 'not allowed' });
  socket.end(Buffer.concat([webSocketFrame(1, message), webSocketFrame(8, '')]));
  socket.on('error', () => undefined).resume();
  await new Promise((resolve) => socket.on('close', resolve));
}

/** Encodes a frame of RFC 6455 with a short payload. Its mask of zeros changes no byte. */
function webSocketFrame(opcode: number, payload: string): Buffer {
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]), Buffer.from(payload)]);
}

test('a ticket opens only one socket', async () => {
  const ticket = await createTicket((await createAccount(gatewayA, 'Ann')).token);
  assert.match(ticket, /^[\w-]{43}$/);
  const first = await openAsBrowser(gatewayB, `?ticket=${ticket}`);
  assert.equal(first.frame.command, 'Welcome');
  const second = await openAsBrowser(gatewayA, `?ticket=${ticket}`);
  refused(second.frame, 'bad_ticket');
  assert.equal(await second.closed, 4401);
});

test('a logout closes a socket that was opened with a ticket', async () => {
  const ann = await createAccount(gatewayA, 'Ann');
  const { frame, closed } = await openAsBrowser(gatewayB, `?ticket=${await createTicket(ann.token)}`);
  assert.equal(frame.command, 'Welcome');
  await post('/api/users/logout', ann.token);
  assert.equal(await closed, 4401);
});

test('of 50 sockets that open with the same ticket at the same time, one gets a Welcome', async () => {
  const ticket = await createTicket((await createAccount(gatewayA, 'Ann')).token);
  const open = (_: unknown, index: number) => openAsBrowser(index % 2 ? gatewayA : gatewayB, `?ticket=${ticket}`);
  const sockets = await Promise.all(Array.from({ length: 50 }, open));
  const refusals = sockets.filter(({ frame }) => frame.command !== 'Welcome');
  assert.equal(refusals.length, 49);
  for (const { frame } of refusals) refused(frame, 'bad_ticket');
});

test('a ticket is valid for at most 30 seconds, and not after a logout of its token', async () => {
  const ann = await createAccount(gatewayA, 'Ann');
  const ticket = await createTicket(ann.token);
  const keys = await redis.keys(`${cluster.prefix}:ticket:*`);
  assert.equal(keys.length, 1);
  for (const key of keys) {
    const leftMs = await redis.pttl(key);
    assert.ok(leftMs > 0 && leftMs <= 30_000 && !key.includes(ticket), `${key} ${leftMs}`);
  }
  await post('/api/users/logout', ann.token);
  refused((await openAsBrowser(gatewayB, `?ticket=${ticket}`)).frame, 'token_revoked');
});

for (const path of ['/api/users/logout', '/api/users/logout-all', '/api/ws/ticket']) {
  test(`POST ${path} refuses a missing, a bad and a revoked token`, async () => {
    const { token } = await createAccount(gatewayA);
    await post('/api/users/logout', token);
    refused(await post(path), 'no_token');
    refused(await post(path, 'nonsense'), 'bad_token');
    refused(await post(path, token), 'token_revoked');
  });
}
