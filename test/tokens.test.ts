import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { WebSocket } from 'ws';
import { type Account, Client, call, createAccount, PASSWORD } from './support/client.ts';
import { startSystem, testServices } from './support/system.ts';

const env = { TOKEN_HOUR_LIFESPAN: '3' };
const { cluster } = await startSystem({ gateways: 2, workers: 2, env });
const [here, there] = cluster.urls as [string, string];
const old = await startSystem({ gateways: 1, workers: 1, env: { WS_QUERY_TOKEN: 'true' } });
const [oldUrl] = old.cluster.urls as [string];

const current = (token: string, url = there) => call(url, 'GET /api/users/current', { token });
const post = (path: string, token?: string, url = here) => call(url, `POST ${path}`, token ? { token } : {});

async function logInAgain({ email }: Account): Promise<string> {
  const { body } = await call(there, 'POST /api/users/login', { body: { email, password: PASSWORD } });
  return body.token;
}

async function endOf(client: Client) {
  await client.until(() => client.closed);
  return client.closed;
}

/** A socket as a browser opens one, with nothing but a URL. @returns its first frame, and what comes when it closes */
async function browse(url: string, query: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws${query}`, ['rooms.v1']);
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  const [data] = await once(socket, 'message');
  return { frame: JSON.parse(data.toString()) as { command: string; code?: string }, socket, closed };
}

test('a token says of one algorithm who it is for, from whom, which one it is and until when', async () => {
  const { token, id } = await createAccount(here);
  const claims = decodeJwt(token);
  assert.deepEqual(decodeProtectedHeader(token), { alg: 'HS256' });
  assert.deepEqual(Object.keys(claims).toSorted(), ['aud', 'exp', 'iat', 'iss', 'jti', 'sub', 'ver']);
  assert.deepEqual([claims.iss, claims.aud, claims.sub, claims.ver], ['rooms', 'rooms', id, 0]);
  assert.equal((claims.exp as number) - (claims.iat as number), 3 * 3_600);
});

test('a logout ends its token on every gateway and closes its sockets; another token of the user lives on', async () => {
  const ann = await createAccount(here, 'Ann');
  const second = await logInAgain(ann);
  const ended = [await Client.connect(here, ann.token), await Client.connect(there, ann.token, 'classic')];
  const living = await Client.connect(there, second);
  const answer = await post('/api/users/logout', ann.token);
  assert.deepEqual([answer.status, answer.body], [200, { message: 'logged out' }]);
  for (const client of ended) {
    assert.deepEqual(await endOf(client), { code: 4401, reason: 'token_revoked' });
    assert.equal(client.frames.at(-1).code, 'token_revoked');
  }
  for (const url of [here, there]) assert.equal((await current(ann.token, url)).body.code, 'token_revoked');
  assert.equal((await current(second)).status, 200);
  assert.equal((await living.ask({ command: 'CreateRoom', text: 'still here' })).command, 'Ack');
  const late = await Client.connect(here, ann.token, 'classic');
  assert.deepEqual(await endOf(late), { code: 4401, reason: 'token_revoked' });
  await living.close();
});

test('a logout everywhere ends all tokens and sockets of the user, and of nobody else; he can log in again', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  const second = await logInAgain(ann);
  const clients = [await Client.connect(here, ann.token), await Client.connect(there, second)];
  const bobs = await Client.connect(there, bob.token);
  assert.equal((await post('/api/users/logout-all/', second)).status, 200);
  for (const client of clients) assert.deepEqual(await endOf(client), { code: 4401, reason: 'token_revoked' });
  for (const token of [ann.token, second]) assert.equal((await current(token)).body.code, 'token_revoked');
  assert.equal((await current(await logInAgain(ann))).status, 200);
  assert.equal(bobs.closed, undefined);
  await bobs.close();
});

test('a socket closes though the word of its end was lost', async () => {
  const ann = await createAccount(here, 'Ann');
  const client = await Client.connect(there, ann.token);
  const redis = new Redis(testServices().redisUrl);
  const answer = post('/api/users/logout', ann.token);
  await redis.client('KILL', 'TYPE', 'PUBSUB');
  assert.equal((await answer).status, 200);
  assert.deepEqual(await endOf(client), { code: 4401, reason: 'token_revoked' });
  redis.disconnect();
});

test('a token ended while its socket opens opens none', async () => {
  for (let round = 0; round < 10; round++) {
    const ann = await createAccount(here, 'Ann');
    const [client] = await Promise.all([
      Client.connect(there, ann.token, 'classic'),
      post('/api/users/logout', ann.token),
    ]);
    assert.deepEqual(await endOf(client), { code: 4401, reason: 'token_revoked' });
  }
});

test('a token that has ended does nothing, though its socket closes before that was looked at', async () => {
  const [ann, bob] = [await createAccount(here, 'Ann'), await createAccount(here, 'Bob')];
  const speaker = await Client.connect(here, bob.token);
  const { roomId } = await speaker.ask({ command: 'CreateRoom', text: 'open to all', roomType: 'Public' });
  await call(here, `POST /api/rooms/${roomId}/users/${ann.id}`, { token: ann.token });
  await post('/api/users/logout', ann.token);
  const { hostname, port } = new URL(here);
  const frame = (opcode: number, payload: string) => {
    const head = [0x80 | opcode, 0x80 | payload.length, 0, 0, 0, 0]; // a mask of zeros changes nothing
    return Buffer.concat([Buffer.from(head), Buffer.from(payload)]);
  };
  // While Redis is slow, what is asked of it takes long enough for a socket to come, speak and go.
  const redis = new Redis(testServices().redisUrl);
  await redis.client('PAUSE', 300, 'WRITE');
  redis.disconnect();
  const ended = Array.from({ length: 40 }, async () => {
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /api/ws HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nAuthorization: Bearer ${ann.token}\r\n\r\n`,
    );
    await once(socket, 'data');
    const said = JSON.stringify({ command: 'CreateMessage', roomId, text: 'I am out' });
    socket.end(Buffer.concat([frame(1, said), frame(8, '')]));
    await new Promise((resolve) =>
      socket
        .on('error', () => undefined)
        .on('close', resolve)
        .resume(),
    );
  });
  await Promise.all(ended);
  await speaker.ask({ command: 'CreateMessage', roomId, text: 'the last' });
  await speaker.frame(({ text }) => text === 'the last');
  assert.deepEqual(speaker.seqs(roomId), [1, 2, 3]);
  await speaker.close();
});

test('a browser opens a socket with a ticket, once', async () => {
  const ann = await createAccount(here, 'Ann');
  const { status, body } = await post('/api/ws/ticket', ann.token);
  assert.equal(status, 201);
  assert.match(body.ticket, /^[\w-]{43}$/);
  const first = await browse(there, `?ticket=${body.ticket}`);
  assert.equal(first.frame.command, 'Welcome');
  const second = await browse(here, `?ticket=${body.ticket}`);
  assert.equal(second.frame.code, 'bad_ticket');
  assert.equal(await second.closed, 4401);
  await post('/api/users/logout', ann.token);
  assert.equal(await first.closed, 4401);
});

test('of fifty who show one ticket one gets in', async () => {
  const ann = await createAccount(here, 'Ann');
  const { body } = await post('/api/ws/ticket', ann.token);
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, index) => browse(index % 2 ? here : there, `?ticket=${body.ticket}`)),
  );
  assert.equal(all.filter(({ frame }) => frame.command === 'Welcome').length, 1);
  for (const { socket } of all) socket.terminate();
});

test('a ticket outlives neither its token nor half a minute', async () => {
  const ann = await createAccount(here, 'Ann');
  const { body } = await post('/api/ws/ticket', ann.token);
  const redis = new Redis(testServices().redisUrl);
  const [key] = (await redis.keys(`${cluster.prefix}:ticket:*`)) as [string];
  const left = await redis.pttl(key);
  assert.ok(left > 0 && left <= 30_000 && !key.includes(body.ticket));
  redis.disconnect();
  await post('/api/users/logout', ann.token);
  assert.equal((await browse(there, `?ticket=${body.ticket}`)).frame.code, 'token_revoked');
});

test('a token in the URL is taken only where that is configured', async () => {
  const ann = await createAccount(here, 'Ann');
  const socket = new WebSocket(`${here.replace('http', 'ws')}/api/ws?token=${ann.token}`);
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  const bob = await createAccount(oldUrl, 'Bob');
  const welcomed = await browse(oldUrl, `?token=${bob.token}`);
  assert.equal(welcomed.frame.command, 'Welcome');
  welcomed.socket.terminate();
  assert.equal((await browse(oldUrl, '?token=nonsense')).frame.code, 'bad_token');
});

for (const path of ['/api/users/logout', '/api/users/logout-all', '/api/ws/ticket']) {
  test(`${path} is refused to who shows no token, a bad one or one that has ended`, async () => {
    const { token } = await createAccount(here);
    await post('/api/users/logout', token);
    const answers = [await post(path), await post(path, 'nonsense'), await post(path, token)];
    assert.deepEqual(
      answers.map(({ body }) => body.code),
      ['no_token', 'bad_token', 'token_revoked'],
    );
  });
}
