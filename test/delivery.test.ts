import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as v from 'valibot';
import { Room, User } from '../shared/contract/answers.ts';
import { bodyOf } from './support/answer-checks.ts';
import { type Account, Client, call, createAccount } from './support/client.ts';
import { isMessage } from './support/client-frames.ts';
import { startSystem } from './support/system.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 2 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const [ann, bob] = [await createAccount(gatewayA, 'Ann'), await createAccount(gatewayB, 'Bob')];
const annClient = await connect(gatewayA, ann);

async function connect(url: string, { token }: Account, kind: 'v1' | 'classic' = 'v1'): Promise<Client> {
  const client = await Client.connect(url, token, kind);
  after(() => client.close());
  return client;
}

async function createRoom(): Promise<string> {
  return (await annClient.commit({ command: 'CreateRoom', text: 'a room' })).roomId;
}

test('50 messages that are sent without waiting reach the members at both gateways once and in order', async () => {
  const bobClient = await connect(gatewayB, bob);
  const roomId = await createRoom();
  await annClient.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await bobClient.waitForMessage({ command: 'AddUser', roomId });
  const texts = Array.from({ length: 50 }, (_, index) => `message ${index}`);
  for (const text of texts) annClient.send({ command: 'CreateMessage', roomId, text });
  await annClient.commit({ command: 'CreateMessage', roomId, text: 'the last' });
  for (const client of [annClient, bobClient]) {
    await client.waitForMessage({ roomId, text: 'the last' });
    assert.deepEqual(
      client
        .messages(roomId)
        .map(({ text, seq }) => [text, seq])
        .slice(-51),
      [...texts, 'the last'].map((text, index) => [text, index + 3]),
    );
  }
});

test('a DeleteMessage with the id of another room is refused', async () => {
  const [roomId, otherRoomId] = [await createRoom(), await createRoom()];
  const { id: targetId } = await annClient.commit({ command: 'CreateMessage', roomId, text: 'Hello World!' });
  const answer = await annClient.ask({ command: 'DeleteMessage', roomId: otherRoomId, targetId });
  assert.equal(answer.command === 'Error' && answer.code, 'no_such_message');
});

test('the answer to POST /api/rooms shows the new room with its owner', async () => {
  const answer = await call(gatewayA, 'POST /api/rooms', { token: ann.token, body: { name: 'new room' } });
  const room = bodyOf(Room, answer, 201);
  assert.deepEqual([room.name, room.ownerId, room.roomType], ['new room', ann.id, 'Private']);
  assert.deepEqual(
    room.users.map(({ id, firstName, email, isOnline }) => [id, firstName, email, isOnline]),
    [[ann.id, 'Ann', ann.email, true]],
  );
});

test('the record of a user has their rooms, but not the rooms general and announcements', async () => {
  const user = bodyOf(User, await call(gatewayB, 'GET /api/users/current/', { token: bob.token }));
  assert.deepEqual(
    [user.id, user.firstName, user.lastName, user.email, user.roles],
    [bob.id, 'Bob', 'Testing', bob.email, ['user']],
  );
  const answer = await call(gatewayB, 'GET /api/rooms', { token: bob.token });
  const others = bodyOf(v.array(Room), answer).filter(({ id }) => id !== 'general' && id !== 'announcements');
  assert.deepEqual(user.rooms, others);
});

test('a client without the subprotocol rooms.v1 receives messages, but no Welcome and no Ack', async () => {
  const roomId = await createRoom();
  const client = await connect(gatewayA, ann, 'classic');
  for (const text of ['first', 'second']) {
    client.send({ text, command: 'CreateMessage', targetId: roomId, roomId });
    await client.waitForMessage({ roomId, text });
  }
  // The gateway dispatches the second command after the outcome of the first. So an Ack of the first would be in
  // `frames`.
  assert.deepEqual(
    client.frames.filter((frame) => !isMessage(frame)),
    [],
  );
});

test('a message that is sent as soon as a socket is open reaches this socket', async () => {
  const roomId = await createRoom();
  for (let round = 0; round < 20; round++) {
    const client = await connect(gatewayB, ann, 'classic');
    client.send({ command: 'CreateMessage', roomId, text: `round ${round}` });
    await client.waitForMessage({ text: `round ${round}` });
    await client.close();
  }
});

test('a socket that opens while messages are sent misses no message after its Welcome', async () => {
  const roomId = await createRoom();
  await annClient.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const stop = new AbortController();
  const sending = sendMessagesUntil(stop.signal, roomId);
  for (let round = 0; round < 15; round++) {
    const client = await connect(round % 2 ? gatewayA : gatewayB, bob);
    const lastSeq = client.welcome.rooms.find(({ id }) => id === roomId)?.seq as number;
    await client.until(() => client.seqs(roomId)[4]);
    const expected = [1, 2, 3, 4, 5].map((step) => lastSeq + step);
    assert.deepEqual(client.seqs(roomId).slice(0, 5), expected);
    await client.close();
  }
  stop.abort();
  await sending;
});

async function sendMessagesUntil(signal: AbortSignal, roomId: string): Promise<void> {
  for (let index = 0; !signal.aborted; index++) {
    await annClient.commit({ command: 'CreateMessage', roomId, text: `message ${index}` });
  }
}
