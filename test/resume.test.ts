import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as v from 'valibot';
import { newId } from '../shared/contract/ids.ts';
import { Message } from '../shared/contract/messages.ts';
import { bodyOf } from './support/answer-checks.ts';
import { Client, call, createAccount } from './support/client.ts';
import type { Frame } from './support/client-frames.ts';
import { openTestGateway } from './support/in-process.ts';
import { storeMany } from './support/many-messages.ts';
import { startSystem } from './support/system.ts';
import { from } from './support/whole-numbers.ts';

const { gateway, url, database, addUser, openAnother } = await openTestGateway();
/** Nobody is online there, so it has no message in memory. */
const { url: otherUrl } = await openAnother();
const { epoch } = gateway;

/** Ann has a room with Bob. The socket of Ann stays open, and Bob has none. */
async function openRoom() {
  const [ann, bob] = [await addUser('Ann'), await addUser('Bob')];
  const writer = await Client.connect(url, ann.token);
  const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'a room' });
  await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const write = async (text: string) => (await writer.commit({ command: 'CreateMessage', roomId, text })).id;
  return { ann, bob, writer, roomId, write };
}

/** Returns the frames of a room in a short form: the seq of a message, or the name of another frame. */
const streamOf = ({ frames }: Client, roomId: string) =>
  frames
    .filter((frame: Frame) => 'roomId' in frame && frame.roomId === roomId && frame.command !== 'Ack')
    .map((frame) => ('userId' in frame ? frame.seq : frame.command));

async function readHistory(roomId: string, token: string): Promise<Message[]> {
  const answer = await call(url, `GET /api/messages/${roomId}?size=100`, { token });
  return bodyOf(v.array(Message), answer).toReversed();
}

/** Follows messages as a client does. The result is like a history: edits and deletions change the message. */
function fold(known: Message[], missed: Message[]): Message[] {
  const shown = new Map(known.map((message) => [message.id, message]));
  for (const message of missed) {
    const { command, targetId, text, createdAt } = message;
    const target = shown.get(targetId);
    if (command === 'UpdateMessage' || command === 'DeleteMessage') {
      // An edit without a text is an older one.
      if (!target || (command === 'UpdateMessage' && text === '')) continue;
      shown.set(targetId, { ...target, command, targetId, text, updatedAt: createdAt });
    } else if (command !== 'DeleteRoom') shown.set(message.id, message);
  }
  return [...shown.values()];
}

test('the state of a client that was offline, with the messages that it missed, equals the history', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  const cleo = await addUser('Cleo');
  const [edited, deleted, kept] = [await write('edited'), await write('deleted'), await write('kept')];
  const known = await readHistory(roomId, bob.token);
  const position = known.at(-1)?.seq as number;
  const [later, gone] = [await write('edited later'), await write('deleted later')];
  for (const text of ['first edit', 'second edit'])
    await writer.commit({ command: 'UpdateMessage', roomId, targetId: edited, text });
  await writer.commit({ command: 'UpdateMessage', roomId, targetId: later, text: 'edit' });
  await writer.commit({ command: 'UpdateMessage', roomId, targetId: gone, text: 'edit before the deletion' });
  for (const targetId of [deleted, gone]) await writer.commit({ command: 'DeleteMessage', roomId, targetId });
  await writer.commit({ command: 'UpdateRoom', roomId, text: 'another name' });
  await writer.commit({ command: 'AddUser', roomId, targetId: cleo.id });
  const { seq: head } = await writer.commit({ command: 'RemoveUser', roomId, targetId: cleo.id });
  const history = await readHistory(roomId, bob.token);
  assert.equal(history.find(({ id }) => id === kept)?.text, 'kept');
  // The first gateway has the messages in memory, the other one reads them from Postgres.
  const clients = [url, otherUrl].map((each) =>
    Client.resume(each, bob.token, { epoch, rooms: { [roomId]: position } }),
  );
  for (const client of await Promise.all(clients)) {
    assert.deepEqual(client.seqs(roomId), from(position + 1, head));
    const state = fold(known, client.messages(roomId));
    const comparable = (messages: Message[]) =>
      messages.map(({ id, seq, text, name, updatedAt }) => ({ id, seq, text, name: name ?? undefined, updatedAt }));
    assert.deepEqual(comparable(state), comparable(history));
    const room = client.welcome.rooms.find(({ id }) => id === roomId);
    const { length: unread } = history.filter(({ seq }) => seq > 2);
    const counts = { since: 2, read: 2, unread, mentions: 0 };
    assert.deepEqual(room, { id: roomId, seq: head, name: 'another name', roomType: 'Private', ...counts });
  }
  const live = await write('live');
  for (const client of await Promise.all(clients)) {
    await client.waitForMessage({ id: live });
    assert.deepEqual(client.seqs(roomId), from(position + 1, head + 1));
    await client.close();
  }
  await writer.close();
});

test('a member who was removed gets the messages up to the removal, without later edits, and then Left', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  const [edited, erased] = [await write('before'), await write('deleted after')];
  await writer.commit({ command: 'RemoveUser', roomId, targetId: bob.id });
  await writer.commit({ command: 'UpdateMessage', roomId, targetId: edited, text: 'a secret' });
  await writer.commit({ command: 'DeleteMessage', roomId, targetId: erased });
  for (const each of [url, otherUrl]) {
    const client = await Client.resume(each, bob.token, { epoch, rooms: { [roomId]: 2 } });
    assert.deepEqual(streamOf(client, roomId), [3, 4, 5, 'Left']);
    assert.deepEqual(
      client.messages(roomId).map(({ text }) => text),
      ['', '', 'Bob left the room'],
    );
    await client.close();
  }
  await writer.close();
});

test('a member who was removed and added again gets nothing of the time between', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  await write('before');
  await writer.commit({ command: 'RemoveUser', roomId, targetId: bob.id });
  for (const text of ['secret', 'another secret']) await write(text);
  const added = await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await write('after');
  for (const each of [url, otherUrl]) {
    const client = await Client.resume(each, bob.token, { epoch, rooms: { [roomId]: 2 } });
    assert.deepEqual(streamOf(client, roomId), [3, 4, added.seq, added.seq + 1]);
    await client.close();
  }
  await writer.close();
});

test('the deletion of a room is its last message, and a new room begins with the message that added the user', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  await write('before');
  await writer.commit({ command: 'DeleteRoom', roomId });
  const { roomId: created } = await writer.commit({ command: 'CreateRoom', text: 'another room' });
  await writer.commit({ command: 'CreateMessage', roomId: created, text: 'before Bob' });
  await writer.commit({ command: 'AddUser', roomId: created, targetId: bob.id });
  await writer.commit({ command: 'CreateMessage', roomId: created, text: 'for Bob' });
  for (const each of [url, otherUrl]) {
    const client = await Client.resume(each, bob.token, { epoch, rooms: { [roomId]: 2 } });
    assert.deepEqual(streamOf(client, roomId), [3, 4, 'Left']);
    assert.deepEqual(streamOf(client, created), [3, 4]);
    assert.equal(client.messages(roomId).at(-1)?.command, 'DeleteRoom');
    await client.close();
  }
  await writer.close();
});

test('a client without positions begins at the head of each room', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  await write('before');
  const client = await Client.resume(url, bob.token, { rooms: {} });
  assert.deepEqual(streamOf(client, roomId), []);
  assert.deepEqual(
    client.welcome.rooms.map(({ id }) => id).toSorted(),
    [roomId, 'general', 'announcements'].toSorted(),
  );
  await write('after');
  await client.waitForMessage({ roomId, seq: 4 });
  assert.deepEqual(streamOf(client, roomId), [4]);
  await Promise.all([client.close(), writer.close()]);
});

test('another epoch, a seq from the future and too many missing messages lead to Resync', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  for (const text of ['3', '4', '5']) await write(text);
  const frames = [
    { epoch: newId(), rooms: { [roomId]: 3 } },
    { rooms: { [roomId]: 3 } },
    { epoch, rooms: { [roomId]: 6 } },
    { epoch, rooms: { [roomId]: Number.MAX_SAFE_INTEGER } },
    { epoch, rooms: { [roomId]: 3 }, most: 1 },
    { epoch, rooms: { [roomId]: 3 }, most: 0 },
  ];
  const clients = await Promise.all(frames.map((frame) => Client.resume(url, bob.token, frame)));
  clients.push(await Client.resume(url, bob.token, { epoch, rooms: { [roomId]: 3 }, most: 2 }));
  for (const client of clients.slice(0, -1)) {
    const resyncs = client.frames.filter(({ command }) => command === 'Resync');
    assert.deepEqual(resyncs, [{ command: 'Resync', roomId, seq: 5 }]);
  }
  await write('6');
  for (const client of clients) await client.waitForMessage({ roomId, seq: 6 });
  for (const client of clients.slice(0, -1)) assert.deepEqual(streamOf(client, roomId), ['Resync', 6]);
  assert.deepEqual(streamOf(clients.at(-1) as Client, roomId), [4, 5, 6]);
  await Promise.all([writer, ...clients].map((client) => client.close()));
});

test('a stranger learns nothing about a room: a private room and one that does not exist are the same', async () => {
  const { writer, roomId, write } = await openRoom();
  await write('a secret');
  const stranger = await addUser();
  const unknown = newId();
  const client = await Client.resume(url, stranger.token, { epoch, rooms: { [roomId]: 1, [unknown]: 1 } });
  client.send({ command: 'Resume', epoch, rooms: { [roomId]: 0, [unknown]: 0 } });
  await client.until(() => client.frames.filter(({ command }) => command === 'Resumed')[1]);
  for (const id of [roomId, unknown]) assert.deepEqual(streamOf(client, id), ['Left', 'Left']);
  await write('another secret');
  await client.roundTrip();
  assert.deepEqual(streamOf(client, roomId), ['Left', 'Left']);
  await Promise.all([writer.close(), client.close()]);
});

test('a slow client that misses very many messages gets all of them, and is not closed', async () => {
  const { ann, bob, writer, roomId, write } = await openRoom();
  const head = await storeMany(roomId, ann.id, database);
  const client = await Client.openResuming(otherUrl, bob.token);
  client.send({ command: 'Resume', epoch, rooms: { [roomId]: 2 } });
  await client.until(() => client.frames[0]);
  for (let pause = 0; pause < 3; pause++) {
    client.socket.pause();
    await write('live');
    client.socket.resume();
    const count = client.frames.length;
    await client.until(() => (client.frames.length > count + 100 ? true : undefined));
  }
  await client.waitForMessage({ roomId, seq: head + 3 });
  assert.deepEqual(client.seqs(roomId), from(3, head + 3));
  await client.until(() => client.frames.find(({ command }) => command === 'Resumed'));
  await Promise.all([client.close(), writer.close()]);
});

test('Resume on an open socket sends the messages of a room again, each time from its position', async () => {
  const { bob, writer, roomId, write } = await openRoom();
  for (const text of ['3', '4', '5']) await write(text);
  const client = await Client.resume(url, bob.token, { rooms: {} });
  client.send({ command: 'Resume', epoch, rooms: { [roomId]: 3 } });
  await client.until(() => client.frames.filter(({ command }) => command === 'Resumed')[1]);
  await write('6');
  await client.waitForMessage({ roomId, seq: 6 });
  assert.deepEqual(streamOf(client, roomId), [4, 5, 6]);
  // The second frame comes while the first one is at work. Then the stream of the second position counts.
  for (const seq of [2, 4]) client.send({ command: 'Resume', epoch, rooms: { [roomId]: seq } });
  await write('7');
  await client.waitForMessage({ roomId, seq: 7 });
  assert.deepEqual(streamOf(client, roomId).slice(-3), [5, 6, 7]);
  client.send({ command: 'Resume', epoch, rooms: { [roomId]: 8 } });
  client.send({ command: 'Resume', epoch: newId(), rooms: { general: 0 } });
  await client.until(() => client.frames.filter(({ command }) => command === 'Resync')[1]);
  assert.deepEqual(streamOf(client, roomId).at(-1), 'Resync');
  await Promise.all([client.close(), writer.close()]);
});

test('a member who is removed during a replay gets everything up to the removal, and nothing more', async () => {
  const { ann, bob, writer, roomId, write } = await openRoom();
  await storeMany(roomId, ann.id, database);
  const client = await Client.openResuming(otherUrl, bob.token);
  client.send({ command: 'Resume', epoch, rooms: { [roomId]: 2 } });
  await client.waitForMessage({ roomId, seq: 3 });
  client.socket.pause();
  const { seq: end } = await writer.commit({ command: 'RemoveUser', roomId, targetId: bob.id });
  await write('a secret');
  client.socket.resume();
  await client.until(() => client.frames.find(({ command }) => command === 'Resumed'));
  assert.deepEqual(client.seqs(roomId), from(3, end));
  await Promise.all([client.close(), writer.close()]);
});

test('after its gateway was killed in the middle of a replay, a client gets the rest from another gateway', async () => {
  const system = await startSystem({ gateways: 2, workers: 1 });
  const [first, second] = system.cluster.urls as [string, string];
  const [ann, bob] = [await createAccount(first, 'Ann'), await createAccount(first, 'Bob')];
  const writer = await Client.connect(second, ann.token);
  const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'a room' });
  await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  const head = await storeMany(roomId, ann.id, system.database);
  const resume = { epoch: writer.welcome.epoch, rooms: { [roomId]: 2 } };
  const client = await Client.openResuming(first, bob.token);
  client.send({ command: 'Resume', ...resume });
  await client.waitForMessage({ roomId, seq: 3 });
  client.socket.pause();
  process.kill(system.cluster.gateways[0]?.pid as number, 'SIGKILL');
  client.socket.resume();
  await client.waitForClose();
  const position = client.seqs(roomId).at(-1) as number;
  assert.deepEqual(client.seqs(roomId), from(3, position));
  assert.ok(position < head, `${position} of ${head}`);
  const back = await Client.resume(second, bob.token, { ...resume, rooms: { [roomId]: position } });
  assert.deepEqual(back.seqs(roomId), from(position + 1, head));
  await Promise.all([back.close(), writer.close()]);
});
