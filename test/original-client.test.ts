import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { Room, Token, User } from '../shared/contract/answers.ts';
import { newId, standingRooms } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { type Answer, bodyOf, refused } from './support/answer-checks.ts';
import { type Account, Client, call, PASSWORD } from './support/client.ts';
import { startSystem } from './support/system.ts';

// "The original" is the Go server that Rooms replaces. Its web client sends the requests and the frames of this file,
// and reads the fields that the tests compare. The client must work with Rooms when only the address of its server
// changes. Sockets are open at gateway B, and the requests over HTTP go to gateway A.

const { cluster, mailbox } = await startSystem({
  gateways: 2,
  workers: 1,
  mail: true,
  env: { WS_QUERY_TOKEN: 'true' },
});
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const ORIGIN = 'https://client.example.com';

const get = (path: string, { token }: Pick<Account, 'token'>, url = gatewayA) =>
  call(url, `GET /api/${path}`, { token });
const post = (path: string, body: object) => call(gatewayA, `POST /api/users/${path}`, { body });

/** Asks for a one-time password. The form of the client has a field of its own, `error`. */
async function requestOtp(email: string): Promise<string> {
  assert.equal((await post('send-otp', { email, error: null })).status, 200);
  return mailbox.takeOtp(email);
}

/** Registers and logs in, each with a one-time password, as the forms of the client do. */
async function join(firstName: string): Promise<Account> {
  const email = `${firstName.toLowerCase()}@example.com`;
  const person = { firstName, lastName: 'Testing', email, phone: '123456789', password: PASSWORD };
  const otp = await requestOtp(email);
  const { id } = bodyOf(User, await post('register-otp', { ...person, otp, error: null }), 201);
  const login = { email, password: PASSWORD, otp: await requestOtp(email), error: null };
  return { id, email, token: bodyOf(Token, await post('login-otp', login)).token };
}

async function openSocket({ token }: Account, url = gatewayB): Promise<Client> {
  const client = await Client.connect(url, token, 'original');
  after(() => client.close());
  await client.roundTrip();
  return client;
}

const [ann, bob] = [await join('Ann'), await join('Bob')];
const [annSocket, bobSocket] = [await openSocket(ann), await openSocket(bob)];

/** Sends a frame as the client does, with all four fields. */
function send(client: Client, command: string, roomId: string, targetId: string, text: string): void {
  client.send({ text, command, targetId, roomId });
}

async function createRoom(name = 'a room'): Promise<string> {
  const known = annSocket.frames.length;
  send(annSocket, 'CreateRoom', 'anything', 'anything', name);
  const isCreation = (frame: { command: string }) => frame.command === 'CreateRoom';
  const creation = await annSocket.until(() => annSocket.frames.slice(known).find(isCreation));
  return (creation as Message).roomId;
}

async function addBob(roomId: string): Promise<void> {
  send(annSocket, 'AddUser', roomId, bob.id, 'anything');
  await bobSocket.waitForMessage({ command: 'AddUser', roomId });
}

async function write(client: Client, roomId: string, text: string): Promise<Message> {
  send(client, 'CreateMessage', roomId, roomId, text);
  return client.waitForMessage({ command: 'CreateMessage', roomId, text });
}

const readHistory = async (roomId: string, query = '', { token } = ann) =>
  bodyOf(v.array(Message), await get(`messages/${roomId}${query}`, { token }));
const currentUser = async ({ token }: Account, url?: string) =>
  bodyOf(User, await get('users/current', { token }, url));

test('the first steps after a login work with the ids general and announcements', async () => {
  for (const [id, name, roomType] of [
    ['announcements', 'Announcements', 'ReadOnly'],
    ['general', 'General', 'Public'],
  ]) {
    const room = bodyOf(Room, await get(`rooms/${id}`, ann));
    assert.deepEqual([room.id, room.name, room.ownerId, room.roomType], [id, name, id, roomType]);
    assert.ok(room.users.some(({ id }) => id === bob.id));
  }
  assert.equal((await currentUser(ann)).firstName, 'Ann');
  const users = bodyOf(v.array(User), await get('users/all', ann));
  assert.deepEqual(
    users.map(({ id, firstName, email }) => [id, firstName, email]),
    [
      [ann.id, 'Ann', ann.email],
      [bob.id, 'Bob', ''],
    ],
  );
  assert.deepEqual((await get('users', ann)).body, users);
  assert.deepEqual(await readHistory('announcements'), []);
});

test('a message to general has the id general in frames and in the history', async () => {
  const message = await write(annSocket, 'general', 'Hello, everyone');
  assert.deepEqual([message.roomId, message.targetId, message.userId], ['general', 'general', ann.id]);
  assert.deepEqual(await bobSocket.waitForMessage({ id: message.id }), message);
  assert.deepEqual((await readHistory('general'))[0], message);
  const answer = await call(gatewayA, 'POST /api/messages/general', { token: bob.token, body: { text: 'over HTTP' } });
  const { id } = bodyOf(Message, answer, 201);
  assert.equal((await annSocket.waitForMessage({ id })).roomId, 'general');
});

test('a message to announcements of a user who is not an admin is refused', async () => {
  const known = annSocket.errors().length;
  send(annSocket, 'CreateMessage', 'announcements', 'announcements', 'Hello');
  const error = await annSocket.until(() => annSocket.errors()[known]);
  assert.deepEqual([error.command, error.code], ['Error', 'read_only_room']);
  assert.ok(error.error.length > 0);
});

test('Welcome and Ack of a rooms.v1 client have the ids general and announcements', async () => {
  const client = await Client.connect(gatewayB, ann.token);
  after(() => client.close());
  const ids = client.welcome.rooms.map(({ id }) => id);
  assert.ok(ids.includes('general') && ids.includes('announcements'), ids.join());
  const ack = await client.commit({ command: 'CreateMessage', roomId: 'general', text: 'with an Ack' });
  assert.equal(ack.roomId, 'general');
});

test('the current user has their own rooms as whole rooms, without general and announcements', async () => {
  const roomId = await createRoom('first room');
  const { rooms } = await currentUser(ann);
  const room = rooms.find(({ id }) => id === roomId);
  assert.deepEqual(Object.keys(room ?? {}).toSorted(), Object.keys(Room.entries).toSorted());
  assert.deepEqual([room?.name, room?.ownerId, room?.roomType], ['first room', ann.id, 'Private']);
  assert.deepEqual(
    rooms.map(({ id }) => id).filter((id) => id === 'general' || id === 'announcements'),
    [],
  );
});

test('a room has its members as whole users, and hides an e-mail from users who may not see it', async () => {
  const roomId = await createRoom();
  await addBob(roomId);
  const { ownerId, users } = bodyOf(Room, await get(`rooms/${roomId}`, ann));
  assert.equal(ownerId, ann.id);
  assert.deepEqual(
    users.map(({ id, firstName, lastName, email, roles, isOnline }) => [
      id,
      firstName,
      lastName,
      email,
      roles,
      isOnline,
    ]),
    [
      [ann.id, 'Ann', 'Testing', ann.email, ['user'], true],
      [bob.id, 'Bob', 'Testing', '', ['user'], true],
    ],
  );
});

test('the texts of recorded messages are for people', async () => {
  const roomId = await createRoom();
  await addBob(roomId);
  send(annSocket, 'UpdateRoom', roomId, roomId, 'another name');
  const renaming = await bobSocket.waitForMessage({ command: 'UpdateRoom', roomId });
  assert.equal(renaming.name, 'another name');
  send(bobSocket, 'RemoveUser', roomId, bob.id, 'anything');
  await annSocket.waitForMessage({ command: 'RemoveUser', roomId });
  const texts = (await readHistory(roomId)).map(({ text }) => text);
  assert.deepEqual(texts, ['Bob left the room', 'Room updated', 'Bob joined the room', 'Room created']);
  send(annSocket, 'DeleteRoom', roomId, roomId, 'anything');
  assert.equal((await annSocket.waitForMessage({ command: 'DeleteRoom', roomId })).text, 'Room deleted');
});

test('a history shows an edited and a deleted message at their places, with their own ids', async () => {
  const roomId = await createRoom();
  await addBob(roomId);
  const [edited, deleted, last] = [
    await write(annSocket, roomId, 'first text'),
    await write(annSocket, roomId, 'soon deleted'),
    await write(annSocket, roomId, 'the last'),
  ];
  send(annSocket, 'UpdateMessage', roomId, edited.id, 'second text');
  const editFrame = await bobSocket.waitForMessage({ command: 'UpdateMessage', roomId });
  assert.deepEqual([editFrame.targetId, editFrame.text], [edited.id, 'second text']);
  send(annSocket, 'DeleteMessage', roomId, deleted.id, 'anything');
  const deletionFrame = await bobSocket.waitForMessage({ command: 'DeleteMessage', roomId });
  assert.deepEqual([deletionFrame.targetId, deletionFrame.text], [deleted.id, '']);
  const shown = (await readHistory(roomId)).slice(0, 3);
  assert.deepEqual(
    shown.map(({ id, command, targetId, text, seq }) => [id, command, targetId, text, seq]),
    [
      [last.id, 'CreateMessage', roomId, 'the last', last.seq],
      [deleted.id, 'DeleteMessage', deleted.id, '', deleted.seq],
      [edited.id, 'UpdateMessage', edited.id, 'second text', edited.seq],
    ],
  );
});

test('PUT and DELETE of a message return the message as the history shows it', async () => {
  const roomId = await createRoom();
  const { id } = await write(annSocket, roomId, 'first text');
  const change = async (method: 'PUT' | 'DELETE', body?: object, headers = {}) =>
    bodyOf(Message, await call(gatewayA, `${method} /api/messages/${id}`, { token: ann.token, body, headers }));
  const key = { 'idempotency-key': newId() };
  const edited = await change('PUT', { text: 'second text' }, key);
  assert.deepEqual([edited.id, edited.command, edited.text], [id, 'UpdateMessage', 'second text']);
  assert.deepEqual((await readHistory(roomId))[0], edited);
  assert.deepEqual(await change('PUT', { text: 'second text' }, key), edited);
  const secondKey = { 'idempotency-key': newId() };
  const deleted = await change('DELETE', undefined, secondKey);
  assert.deepEqual([deleted.id, deleted.command, deleted.text], [id, 'DeleteMessage', '']);
  assert.deepEqual((await readHistory(roomId))[0], deleted);
  assert.deepEqual(await change('DELETE', undefined, secondKey), deleted);
});

test('a client may send a received frame as a new command, with another text, command or room', async () => {
  const roomId = await createRoom();
  const received = await write(annSocket, roomId, 'first text');
  const known = annSocket.errors().length;
  annSocket.send({ ...received });
  const repeated = await annSocket.until(() => annSocket.messages(roomId)[2]);
  assert.deepEqual([repeated.command, repeated.text, repeated.seq], ['CreateMessage', 'first text', 3]);
  annSocket.send({ ...received, command: 'UpdateMessage', targetId: received.id, text: 'second text' });
  await annSocket.waitForMessage({ command: 'UpdateMessage', targetId: received.id, text: 'second text' });
  annSocket.send({ ...received, roomId: 'general', targetId: 'general' });
  await bobSocket.waitForMessage({ roomId: 'general', text: 'first text' });
  assert.deepEqual(annSocket.errors().slice(known), []);
});

test('a history without a query has the newest 20 messages, and a wrong page or size counts as the original counts it', async () => {
  const roomId = await createRoom();
  for (let index = 1; index <= 120; index++) send(annSocket, 'CreateMessage', roomId, roomId, `message ${index}`);
  await annSocket.waitForMessage({ roomId, text: 'message 120' });
  const textsOf = (first: number, last: number) =>
    Array.from({ length: first - last + 1 }, (_, index) => `message ${first - index}`);
  for (const [query, first, last] of [
    ['', 120, 101],
    ['?page=1', 120, 101],
    ['?page=2', 100, 81],
    ['?page=abc&size=abc', 120, 101],
    ['?page=0&size=0', 120, 101],
    ['?page=-1&size=-1', 120, 101],
    ['?page=1.5&size=1e1', 120, 101],
    ['?page=&size=', 120, 101],
    ['?size=3', 120, 118],
    ['?size=100', 120, 21],
    ['?size=101', 120, 21],
    ['?size=99999999999999999999999', 120, 21],
    ['?page=2&size=1000', 20, 1],
  ] as const) {
    const texts = (await readHistory(roomId, query)).map(({ text }) => text).filter((text) => text !== 'Room created');
    assert.deepEqual(texts, textsOf(first, last), query);
  }
  for (const page of ['8', '1000001', '99999999999999999999999']) {
    assert.deepEqual(await readHistory(roomId, `?page=${page}`), []);
  }
});

test('an id that does not exist gets 404, whatever its form', async () => {
  const roomId = await createRoom();
  const unknownIds = [newId(), 'nonsense', 'General', '1', '__proto__', 'a%20b', '%00', '-'.repeat(300)];
  for (const id of [...unknownIds, ...Object.values(standingRooms)]) {
    const ask = (request: string, body?: object) => call(gatewayA, request, { token: ann.token, body });
    refused(await ask(`GET /api/rooms/${id}`), 'no_such_room');
    refused(await ask(`PUT /api/rooms/${id}`, { name: 'a name' }), 'no_such_room');
    refused(await ask(`DELETE /api/rooms/${id}`), 'no_such_room');
    refused(await ask(`GET /api/messages/${id}`), 'no_such_room');
    refused(await ask(`POST /api/messages/${id}`, { text: 'Hello' }), 'no_such_room');
    refused(await ask(`PUT /api/messages/${id}`, { text: 'Hello' }), 'no_such_message');
    refused(await ask(`DELETE /api/messages/${id}`), 'no_such_message');
    refused(await ask(`GET /api/users/${id}`), 'no_such_user');
    refused(await ask(`POST /api/rooms/${id}/users/${bob.id}`), 'no_such_room');
    refused(await ask(`POST /api/rooms/${roomId}/users/${id}`), 'no_such_user');
    refused(await ask(`DELETE /api/rooms/${roomId}/users/${id}`), 'no_such_user');
  }
});

test('a name of two characters is refused with the bound', async () => {
  const body = { firstName: 'Al', lastName: 'Testing', email: 'al@example.com', password: PASSWORD, phone: '12345678' };
  const { field, bound } = refused(await post('register', body), 'too_short');
  assert.deepEqual([field, bound], ['firstName', 3]);
  const ofRoom = await call(gatewayA, 'POST /api/rooms', { token: ann.token, body: { name: 'no' } });
  assert.equal(refused(ofRoom, 'too_short').bound, 3);
  const known = annSocket.errors().length;
  send(annSocket, 'CreateRoom', 'anything', 'anything', 'no');
  assert.equal((await annSocket.until(() => annSocket.errors()[known])).bound, 3);
});

test('a page on another origin may send the header authorization', async () => {
  for (const path of ['/api/users/current', '/api/messages/general', '/api/users/send-otp']) {
    const response = await fetch(gatewayA + path, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
    assert.ok(response.status < 300, `${response.status}`);
    const allowed = response.headers.get('access-control-allow-headers')?.toLowerCase() ?? '';
    for (const header of ['authorization', 'content-type']) assert.ok(allowed.includes(header), allowed);
    assert.ok(['*', ORIGIN].includes(response.headers.get('access-control-allow-origin') ?? ''));
  }
});

test('as soon as a frame has arrived, a request at any gateway gets an answer after the event of the frame', async () => {
  // Each round reads at both gateways. A read from a copy of the database that is behind would fail here.
  const roomOf = async (account: Account, url: string, roomId: string) =>
    (await currentUser(account, url)).rooms.find(({ id }) => id === roomId);
  const atBoth = (read: (url: string) => Promise<Answer | unknown>) => Promise.all([gatewayA, gatewayB].map(read));
  for (let round = 0; round < 10; round++) {
    const roomId = await createRoom(`round ${round}`);
    for (const room of await atBoth((url) => roomOf(ann, url, roomId))) assert.ok(room, 'the created room is missing');
    await addBob(roomId);
    for (const room of await atBoth((url) => roomOf(bob, url, roomId))) assert.ok(room, 'the joined room is missing');
    for (const answer of await atBoth((url) => get(`messages/${roomId}`, bob, url))) {
      assert.equal((answer as Answer).status, 200);
    }
    send(annSocket, 'DeleteRoom', roomId, roomId, 'anything');
    await bobSocket.waitForMessage({ command: 'DeleteRoom', roomId });
    for (const room of await atBoth((url) => roomOf(bob, url, roomId))) assert.equal(room, undefined);
    for (const answer of await atBoth((url) => get(`rooms/${roomId}`, bob, url))) {
      refused(answer as Answer, 'no_such_room');
    }
  }
});
