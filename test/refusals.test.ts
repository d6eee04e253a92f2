import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { Room } from '../shared/contract/answers.ts';
import type { ErrorCode } from '../shared/contract/errors.ts';
import { newId, standingRooms } from '../shared/contract/ids.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { type CallOptions, Client, call, createAccount, signToken } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster, database } = await startSystem({ gateways: 1, workers: 1 });
const [url] = cluster.urls as [string];
const ann = await createAccount(url, 'Ann');
const bob = await createAccount(url, 'Bob');
const { token } = ann;
const client = await Client.connect(url, token);
after(() => client.close());
const { roomId } = await client.commit({ command: 'CreateRoom', text: 'private room' });
const createRoomOfBob = async (body: object) =>
  bodyOf(Room, await call(url, 'POST /api/rooms', { token: bob.token, body }), 201).id;
const bobsRoom = await createRoomOfBob({ name: 'room of Bob' });
const bobsPublicRoom = await createRoomOfBob({ name: 'public room of Bob', roomType: 'Public' });

const person = { firstName: 'First', lastName: 'Last', email: 'first@example.com', password: 'password' };
const tokens = {
  forged: await signToken('another secret of thirty-two chars', ann.id, '1h'),
  expired: await signToken(cluster.secret, ann.id, '-1s'),
  unsigned: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1]}.`,
};

const REGISTER = 'POST /api/users/register';
const LOG_IN = 'POST /api/users/login';
const personWith = (changes: object) => ({ body: { ...person, ...changes } });

const requests: [request: string, description: string, options: CallOptions, code: ErrorCode][] = [
  [REGISTER, 'with a body that is not complete JSON', { body: '{' }, 'bad_json'],
  [REGISTER, 'with a JSON array as its body', { body: '[]' }, 'bad_json'],
  [REGISTER, 'with an empty body', { body: '' }, 'bad_json'],
  [
    REGISTER,
    'with the content type text/plain',
    { body: person, headers: { 'content-type': 'text/plain' } },
    'json_only',
  ],
  [REGISTER, 'without a password', personWith({ password: undefined }), 'missing_field'],
  [REGISTER, 'with a number as the password', personWith({ password: 12345678 }), 'invalid_field'],
  [REGISTER, 'with a password of 5 characters', personWith({ password: 'short' }), 'too_short'],
  [REGISTER, 'with a first name of 51 characters', personWith({ firstName: 'x'.repeat(51) }), 'too_long'],
  [REGISTER, 'with a first name of 1 character between spaces', personWith({ firstName: '  x     ' }), 'too_short'],
  [REGISTER, 'with a NUL character in the first name', personWith({ firstName: 'nul\0' }), 'invalid_field'],
  [REGISTER, 'with an e-mail without @', personWith({ email: 'nobody' }), 'invalid_field'],
  [REGISTER, 'with an e-mail of load users', personWith({ email: 'load-user-1@load-users.invalid' }), 'invalid_field'],
  [REGISTER, 'with an e-mail of a reserved domain', personWith({ email: 'a@EXAMPLE.Invalid' }), 'invalid_field'],
  [REGISTER, 'with the e-mail of Ann in upper case', personWith({ email: ann.email.toUpperCase() }), 'email_taken'],
  [REGISTER, 'with a body over 16 KB', personWith({ lastName: 'x'.repeat(20_000) }), 'body_too_large'],
  [LOG_IN, 'with a wrong password', { body: { email: ann.email, password: 'wrong password' } }, 'wrong_credentials'],
  [LOG_IN, 'with an e-mail without @', { body: { email: 'nobody', password: 'wrong password' } }, 'invalid_field'],
  [
    LOG_IN,
    'with an unknown e-mail',
    { body: { email: 'nobody@example.com', password: 'wrong password' } },
    'wrong_credentials',
  ],
  [
    'PUT /api/users/update-otp',
    'with an e-mail of load users',
    { token, ...personWith({ email: 'load-user-1@load-users.invalid', phone: '012345678', otp: '000000' }) },
    'invalid_field',
  ],
  ['GET /api/users/current', 'without a token', {}, 'no_token'],
  ['GET /api/users/current', 'with a token that is not a JWT', { token: 'nonsense' }, 'bad_token'],
  ['GET /api/users/current', 'with a token that has another signature', { token: tokens.forged }, 'bad_token'],
  ['GET /api/users/current', 'with a token without a signature', { token: tokens.unsigned }, 'bad_token'],
  ['GET /api/users/current', 'with an expired token', { token: tokens.expired }, 'token_expired'],
  ['GET /api/rooms', 'without a token', {}, 'no_token'],
  ['POST /api/rooms', 'without a token', { body: { name: 'a room' } }, 'no_token'],
  ['POST /api/rooms', 'with a name of 2 characters', { token, body: { name: 'no' } }, 'too_short'],
  [
    'POST /api/rooms',
    'with an unknown room type',
    { token, body: { name: 'a room', roomType: 'Secret' } },
    'invalid_field',
  ],
  [
    'POST /api/rooms',
    'with an Idempotency-Key that is not a UUID',
    { token, body: { name: 'a room' }, headers: { 'idempotency-key': '1' } },
    'invalid_field',
  ],
  [
    'POST /api/messages/general',
    'with an Idempotency-Key that is stored as the id of a room',
    { token, body: { text: 'Hello' }, headers: { 'idempotency-key': standingRooms.general } },
    'invalid_field',
  ],
  [`GET /api/messages/${roomId}`, 'without a token', {}, 'no_token'],
  [`GET /api/messages/${roomId}?before=-1`, 'with a negative seq', { token }, 'invalid_field'],
  ['GET /api/messages/nonsense', 'with a room id that is not a UUID', { token }, 'no_such_room'],
  [`GET /api/messages/${newId()}`, 'with an unknown room id', { token }, 'no_such_room'],
  [`GET /api/messages/${bobsRoom}`, 'with a private room of another user', { token }, 'no_such_room'],
  [`POST /api/messages/${roomId}`, 'without a token', { body: { text: 'Hello' } }, 'no_token'],
  [`POST /api/messages/${roomId}`, 'with an empty text', { token, body: { text: '' } }, 'too_short'],
  [
    `POST /api/messages/${roomId}`,
    'with a text of 501 characters',
    { token, body: { text: '💬'.repeat(501) } },
    'too_long',
  ],
  [
    `POST /api/messages/${roomId}`,
    'with half a surrogate pair in the text',
    { token, body: '{"text":"\\ud800"}' },
    'invalid_field',
  ],
  [
    `POST /api/messages/${bobsRoom}`,
    'with a private room of another user',
    { token, body: { text: 'Hello' } },
    'no_such_room',
  ],
  [
    `POST /api/messages/${bobsPublicRoom}`,
    'with a public room that the caller has not joined',
    { token, body: { text: 'Hello' } },
    'not_a_member',
  ],
  [`POST /api/rooms/${roomId}/users/${bob.id}`, 'without a token', {}, 'no_token'],
  [`POST /api/rooms/${roomId}/users/nonsense`, 'with a user id that is not a UUID', { token }, 'no_such_user'],
  [`POST /api/rooms/${roomId}/users/${newId()}`, 'with an unknown user id', { token }, 'no_such_user'],
  [`POST /api/rooms/${bobsRoom}/users/${ann.id}`, 'with a private room of another user', { token }, 'no_such_room'],
  [`DELETE /api/rooms/${roomId}/users/${bob.id}`, 'without a token', {}, 'no_token'],
  [`DELETE /api/rooms/${roomId}/users/${newId()}`, 'with an unknown user id', { token }, 'no_such_user'],
  [`DELETE /api/rooms/${roomId}/users/nonsense`, 'with a user id that is not a UUID', { token }, 'no_such_user'],
  [`DELETE /api/rooms/${roomId}/users/${bob.id}`, 'with a user who is not in the room', { token }, 'user_not_in_room'],
  [`DELETE /api/rooms/${roomId}/users/${ann.id}`, 'with the owner of the room', { token }, 'owner_stays'],
  ['GET /api/nonsense', 'with an unknown path', {}, 'no_such_route'],
  ['DELETE /api/rooms', 'with a method that the path does not have', { token }, 'method_not_allowed'],
  ['PATCH /api/users/login', 'with a method that the path does not have', {}, 'method_not_allowed'],
  ['POST /healthz', 'with a method that the path does not have', {}, 'method_not_allowed'],
  ['GET /api/ws', 'without an upgrade to a WebSocket', {}, 'upgrade_needed'],
];

for (const [request, description, options, code] of requests) {
  test(`${request.replace(/[0-9a-f-]{36}/g, ':id')} ${description} is refused as ${code}`, async () => {
    refused(await call(url, request, options), code);
  });
}

for (const [firstName, code, bound] of [
  ['no', 'too_short', 3],
  ['x'.repeat(51), 'too_long', 50],
] as const) {
  test(`the refusal ${code} names the wrong field and the bound ${bound}`, async () => {
    const answer = await call(url, 'POST /api/users/register', { body: { ...person, firstName } });
    const { field, bound: actual, error } = refused(answer, code);
    assert.deepEqual([field, actual], ['firstName', bound]);
    assert.match(error, new RegExp(`^firstName: .*${bound}`));
    client.send({ command: 'CreateRoom', text: firstName });
    await client.until(() => client.errors().find((each) => each.field === 'text' && each.bound === bound));
  });
}

const message = (changes: Record<string, unknown> = {}) => ({
  command: 'CreateMessage' as const,
  roomId,
  text: 'Hello World!',
  ...changes,
});
const frames: [description: string, frame: Record<string, unknown> | string | Buffer, code: ErrorCode][] = [
  ['text that is not JSON', 'Hello?', 'bad_json'],
  ['an array', '[]', 'bad_json'],
  ['a binary frame', Buffer.from('{}'), 'bad_frame'],
  ['a frame without a command', { roomId }, 'unknown_command'],
  ['an unknown command', message({ command: 'Shout' }), 'unknown_command'],
  ['a command with the name of a method of every object', message({ command: 'toString' }), 'unknown_command'],
  ['a missing field', message({ text: undefined }), 'missing_field'],
  ['a number in the field text', message({ text: 1 }), 'invalid_field'],
  ['a room id that is not a UUID', message({ roomId: 'nonsense' }), 'no_such_room'],
  ['a number as the room id', message({ roomId: 1 }), 'invalid_field'],
  ['a ref that is not a UUID', message({ ref: '1' }), 'invalid_field'],
  ['a ref that is stored as the id of a room', message({ ref: standingRooms.general }), 'invalid_field'],
  ['a room id that is stored for general', message({ roomId: standingRooms.general }), 'no_such_room'],
  [
    'the edit of a message whose id is not a UUID',
    message({ command: 'UpdateMessage', targetId: '1' }),
    'no_such_message',
  ],
  ['the addition of a user whose id is not a UUID', message({ command: 'AddUser', targetId: '1' }), 'no_such_user'],
  ['a text of 501 characters', message({ text: 'x'.repeat(501) }), 'too_long'],
  ['a message to an unknown room', message({ roomId: newId() }), 'no_such_room'],
  ['a message to a private room of another user', message({ roomId: bobsRoom }), 'no_such_room'],
  ['a message to a public room that the sender has not joined', message({ roomId: bobsPublicRoom }), 'not_a_member'],
  [
    'the addition of a user to a room of another user',
    { command: 'AddUser', roomId: bobsPublicRoom, targetId: bob.id },
    'owner_only',
  ],
  [
    'the removal of a user who is not a member',
    { command: 'RemoveUser', roomId, targetId: bob.id },
    'user_not_in_room',
  ],
  ['a room name of 2 characters', { command: 'CreateRoom', text: 'no' }, 'too_short'],
];

for (const [description, frame, code] of frames) {
  test(`over a socket that stays open, ${description} is refused as ${code}`, async () => {
    const before = client.frames.length;
    client.send(frame);
    refused(await client.until(() => client.frames[before]), code);
    await client.commit(message());
  });
}

test('an Error frame has the ref of its command', async () => {
  const ref = newId();
  const answer = await client.ask(message({ roomId: bobsRoom, ref }));
  refused(answer, 'no_such_room');
  assert.equal(answer.ref, ref);
});

test('the upgrade to a socket without a token is refused as no_token', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/ws`);
  const [, response] = await once(socket, 'unexpected-response');
  refused({ status: response.statusCode, headers: new Headers(), body: JSON.parse(await text(response)) }, 'no_token');
});

for (const [kind, code] of [
  ['forged', 'bad_token'],
  ['unsigned', 'bad_token'],
  ['expired', 'token_expired'],
] as const) {
  test(`a socket with a token that is ${kind} is closed with 4401 before its command has an effect`, async () => {
    const intruder = await Client.connect(url, tokens[kind], 'classic');
    intruder.send(message({ text: `from a token that is ${kind}` }));
    assert.deepEqual(await intruder.waitForClose(), { code: 4401, reason: code });
    for (const frame of intruder.frames) refused(frame, code);
    assert.ok(intruder.frames.length > 0);
    await client.commit(message({ text: 'closing marker' }));
    const rows = await database`select text from messages where text like 'from a token that is %'`;
    assert.deepEqual([...rows], []);
  });
}

test('a socket is closed when its token expires', async () => {
  const expiring = await Client.connect(url, await signToken(cluster.secret, ann.id, '3s'));
  await expiring.commit(message());
  assert.deepEqual(await expiring.waitForClose(), { code: 4401, reason: 'token_expired' });
});

test('the answer to a HEAD request has the header Connection: close and no body', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = await once(socket, 'data');
  socket.destroy();
  assert.match(answer.toString(), /^HTTP\/1\.1 405 .*\r\nConnection: close\r\n.*\r\n\r\n$/s);
});

test('a frame over 16 KB closes only the socket that sent it', async () => {
  const sender = await Client.connect(url, token);
  sender.send(message({ text: 'x'.repeat(17_000) }));
  await sender.waitForClose();
  await client.commit(message());
});

test('a request with two Content-Length headers gets only the answer 400 before its connection is closed', async () => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.end('POST /api/users/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}{}');
  const answer = await text(socket);
  assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1);
});

test('after all these refusals, the gateway is alive and ready', async () => {
  assert.deepEqual((await call(url, 'GET /healthz')).body, { status: 'alive' });
  assert.deepEqual((await call(url, 'GET /readyz')).body, { status: 'ready' });
});
