import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { SignJWT } from 'jose';
import { WebSocket } from 'ws';
import { errors } from '../shared/contract/errors.ts';
import { newId } from '../shared/contract/ids.ts';
import { type CallOptions, Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const ann = await createAccount(url, 'Ann');
const bob = await createAccount(url, 'Bob');
const { token } = ann;
const client = await Client.connect(url, token);
after(() => client.close());
const { roomId } = await client.ask({ command: 'CreateRoom', text: 'private room' });
const bobsRoom = (await call(url, 'POST /api/rooms', { token: bob.token, body: { name: 'of Bob' } })).body.id;
const bobsPublicRoom = (
  await call(url, 'POST /api/rooms', { token: bob.token, body: { name: 'of Bob', roomType: 'Public' } })
).body.id;

const person = { firstName: 'First', lastName: 'Last', email: 'first@example.com', password: 'password' };
const forge = (secret: string, expires: string) =>
  new SignJWT({ ver: 0 })
    .setProtectedHeader({ alg: 'HS256' })
    .setJti(newId())
    .setSubject(ann.id)
    .setIssuer('rooms')
    .setAudience('rooms')
    .setExpirationTime(expires)
    .sign(new TextEncoder().encode(secret));
const tokens = {
  forged: await forge('another secret of thirty-two chars', '1h'),
  expired: await forge(cluster.secret, '-1s'),
  unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
};

const overHttp: [what: string, options: CallOptions, code: keyof typeof errors][] = [
  ['POST /api/users/register', { body: '{' }, 'bad_json'],
  ['POST /api/users/register', { body: '[]' }, 'bad_json'],
  ['POST /api/users/register', { body: '' }, 'bad_json'],
  ['POST /api/users/register', { body: person, headers: { 'content-type': 'text/plain' } }, 'json_only'],
  ['POST /api/users/register', { body: { ...person, admin: true } }, 'unknown_field'],
  ['POST /api/users/register', { body: { ...person, password: undefined } }, 'missing_field'],
  ['POST /api/users/register', { body: { ...person, password: 12345678 } }, 'invalid_field'],
  ['POST /api/users/register', { body: { ...person, password: 'short' } }, 'too_short'],
  ['POST /api/users/register', { body: { ...person, firstName: 'x'.repeat(51) } }, 'too_long'],
  ['POST /api/users/register', { body: { ...person, firstName: '  x     ' } }, 'too_short'],
  ['POST /api/users/register', { body: { ...person, firstName: 'nul\0' } }, 'invalid_field'],
  ['POST /api/users/register', { body: { ...person, email: 'nobody' } }, 'invalid_field'],
  ['POST /api/users/register', { body: { ...person, email: ann.email.toUpperCase() } }, 'email_taken'],
  ['POST /api/users/register', { body: { ...person, lastName: 'x'.repeat(20_000) } }, 'body_too_large'],
  ['POST /api/users/login', { body: { email: ann.email, password: 'not the one' } }, 'wrong_credentials'],
  ['POST /api/users/login', { body: { email: 'nobody@example.com', password: 'not the one' } }, 'wrong_credentials'],
  ['GET /api/users/current', {}, 'no_token'],
  ['GET /api/users/current', { token: 'nonsense' }, 'bad_token'],
  ['GET /api/users/current', { token: tokens.forged }, 'bad_token'],
  ['GET /api/users/current', { token: tokens.unsigned }, 'bad_token'],
  ['GET /api/users/current', { token: tokens.expired }, 'token_expired'],
  ['GET /api/rooms', {}, 'no_token'],
  ['POST /api/rooms', { body: { name: 'a room' } }, 'no_token'],
  ['POST /api/rooms', { token, body: { name: 'no' } }, 'too_short'],
  ['POST /api/rooms', { token, body: { name: 'a room', roomType: 'Secret' } }, 'invalid_field'],
  ['POST /api/rooms', { token, body: { name: 'a room' }, headers: { 'idempotency-key': '1' } }, 'invalid_field'],
  [`GET /api/messages/${roomId}`, {}, 'no_token'],
  [`GET /api/messages/${roomId}?size=101`, { token }, 'invalid_field'],
  [`GET /api/messages/${roomId}?page=0`, { token }, 'invalid_field'],
  [`GET /api/messages/${roomId}?limit=1`, { token }, 'unknown_field'],
  ['GET /api/messages/nonsense', { token }, 'invalid_field'],
  [`GET /api/messages/${newId()}`, { token }, 'no_such_room'],
  [`GET /api/messages/${bobsRoom}`, { token }, 'no_such_room'],
  [`POST /api/messages/${roomId}`, { body: { text: 'Hello' } }, 'no_token'],
  [`POST /api/messages/${roomId}`, { token, body: { text: '' } }, 'too_short'],
  [`POST /api/messages/${roomId}`, { token, body: { text: '💬'.repeat(501) } }, 'too_long'],
  [`POST /api/messages/${roomId}`, { token, body: '{"text":"\\ud800"}' }, 'invalid_field'],
  [`POST /api/messages/${bobsRoom}`, { token, body: { text: 'Hello' } }, 'no_such_room'],
  [`POST /api/messages/${bobsPublicRoom}`, { token, body: { text: 'Hello' } }, 'not_a_member'],
  [`POST /api/rooms/${roomId}/users/${bob.id}`, {}, 'no_token'],
  [`POST /api/rooms/${roomId}/users/nonsense`, { token }, 'invalid_field'],
  [`POST /api/rooms/${roomId}/users/${newId()}`, { token }, 'no_such_user'],
  [`POST /api/rooms/${bobsRoom}/users/${ann.id}`, { token }, 'no_such_room'],
  [`DELETE /api/rooms/${roomId}/users/${bob.id}`, {}, 'no_token'],
  [`DELETE /api/rooms/${roomId}/users/${bob.id}`, { token }, 'user_not_in_room'],
  [`DELETE /api/rooms/${roomId}/users/${ann.id}`, { token }, 'owner_stays'],
  ['GET /api/nonsense', {}, 'no_such_route'],
  ['DELETE /api/rooms', { token }, 'method_not_allowed'],
  ['PATCH /api/users/login', {}, 'method_not_allowed'],
  ['POST /healthz', {}, 'method_not_allowed'],
  ['GET /api/ws', {}, 'upgrade_needed'],
];

for (const [index, [what, options, code]] of overHttp.entries()) {
  test(`over HTTP, ${index + 1}: ${what.replace(/[0-9a-f-]{36}/g, ':id')} is refused as ${code}`, async () => {
    const answer = await call(url, what, options);
    assert.deepEqual([answer.body.code, answer.status], [code, errors[code].status]);
    assert.deepEqual(Object.keys(answer.body), ['error', 'code']);
  });
}

const say = (more = {}) => ({ command: 'CreateMessage', roomId, text: 'Hello World!', ...more });
const frames: [what: string, frame: unknown, code: keyof typeof errors][] = [
  ['no JSON', 'Hello?', 'bad_json'],
  ['an array', '[]', 'bad_json'],
  ['a binary frame', Buffer.from('{}'), 'bad_frame'],
  ['no command', { roomId }, 'unknown_command'],
  ['an unknown command', say({ command: 'Shout' }), 'unknown_command'],
  ['a command of the prototype', say({ command: 'toString' }), 'unknown_command'],
  ['an unknown field', say({ loud: true }), 'unknown_field'],
  ['a missing field', say({ text: undefined }), 'missing_field'],
  ['a number for a text', say({ text: 1 }), 'invalid_field'],
  ['no room id', say({ roomId: 'general' }), 'invalid_field'],
  ['a ref that is no UUID', say({ ref: '1' }), 'invalid_field'],
  ['a text that is too long', say({ text: 'x'.repeat(501) }), 'too_long'],
  ['a room that is not there', say({ roomId: newId() }), 'no_such_room'],
  ['a private room of others', say({ roomId: bobsRoom }), 'no_such_room'],
  ['a public room that one has not joined', say({ roomId: bobsPublicRoom }), 'not_a_member'],
  ['adding to a room of others', { command: 'AddUser', roomId: bobsPublicRoom, targetId: bob.id }, 'owner_only'],
  ['removing who is not there', { command: 'RemoveUser', roomId, targetId: bob.id }, 'user_not_in_room'],
  ['a room name that is too short', { command: 'CreateRoom', text: 'no' }, 'too_short'],
];

for (const [what, frame, code] of frames) {
  test(`over a socket, ${what} is refused as ${code}, and the socket stays open`, async () => {
    const before = client.frames.length;
    client.send(frame);
    const answer = await client.until(() => client.frames[before]);
    assert.deepEqual([answer.command, answer.code], ['Error', code]);
    const ack = await client.ask(say());
    assert.equal(ack.command, 'Ack');
  });
}

test('an Error carries the ref that it answers', async () => {
  const ref = newId();
  const answer = await client.ask(say({ roomId: bobsRoom, ref }));
  assert.deepEqual([answer.command, answer.ref], ['Error', ref]);
});

test('a socket without a token is refused with 401', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`);
  const [, response] = await once(socket, 'unexpected-response');
  assert.equal(response.statusCode, 401);
  assert.equal(JSON.parse(await text(response)).code, 'no_token');
});

for (const [what, code] of [
  ['forged', 'bad_token'],
  ['unsigned', 'bad_token'],
  ['expired', 'token_expired'],
] as const) {
  test(`a socket with a token that is ${what} is told ${code}, closed with 4401, and nothing it sent is done`, async () => {
    const intruder = await Client.connect(url, tokens[what], 'classic');
    intruder.send(say({ text: `from a token that is ${what}` }));
    const { closed } = await intruder.until(() => (intruder.closed ? intruder : undefined));
    assert.deepEqual(closed, { code: 4401, reason: code });
    assert.deepEqual([...new Set(intruder.frames.map((frame) => frame.code))], [code]);
    const stored = await database`select from messages where text = ${`from a token that is ${what}`}`;
    assert.equal(stored.length, 0);
  });
}

test('a socket ends with its token', async () => {
  const brief = await Client.connect(url, await forge(cluster.secret, '1s'));
  assert.equal((await brief.ask(say())).command, 'Ack');
  await brief.until(() => brief.closed);
  assert.deepEqual(brief.closed, { code: 4401, reason: 'token_expired' });
});

test('a HEAD request is answered without a body, and its connection is to be closed', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = await once(socket, 'data');
  socket.destroy();
  assert.match(answer.toString(), /^HTTP\/1\.1 405 .*\r\nConnection: close\r\n.*\r\n\r\n$/s);
});

test('a frame over 16 KB ends its own connection only', async () => {
  const loud = await Client.connect(url, token);
  loud.send(say({ text: 'x'.repeat(17_000) }));
  await loud.until(() => loud.closed);
  assert.equal((await client.ask(say())).command, 'Ack');
});

test('a request that says its length twice is refused, and its connection closed', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}');
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
});

test('after all this the process lives and is ready', async () => {
  assert.deepEqual((await call(url, 'GET /healthz')).body, { status: 'alive' });
  assert.deepEqual((await call(url, 'GET /readyz')).body, { status: 'ready' });
});
