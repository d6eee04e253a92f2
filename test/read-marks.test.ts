import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Message } from '../shared/contract/messages.ts';
import { ReadCounts } from '../shared/contract/read-marks.ts';
import { bodyOf, refused } from './support/answer-checks.ts';
import { type Account, Client, type ClientKind, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';

const { cluster } = await startSystem({ gateways: 2, workers: 1 });
const [gatewayA, gatewayB] = cluster.urls as [string, string];
const [ann, bob, cid] = [
  await createAccount(gatewayA, 'Ann'),
  await createAccount(gatewayA, 'Bob'),
  await createAccount(gatewayA, 'Cid'),
];
const writer = await connect(gatewayA, ann);

async function connect(url: string, { token }: Account, kind?: ClientKind): Promise<Client> {
  const client = await Client.connect(url, token, kind);
  after(() => client.close());
  return client;
}

/** A room of Ann and Bob with these texts of Ann. Its messages have the seqs 1, 2 (Bob joins), and 3 and so on. */
async function openRoom(...texts: string[]): Promise<string> {
  const { roomId } = await writer.commit({ command: 'CreateRoom', text: 'a room' });
  await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  for (const text of texts) await write(roomId, text);
  return roomId;
}

const write = (roomId: string, text = 'Hello!') => writer.commit({ command: 'CreateMessage', roomId, text });
const readsOf = (client: Client, roomId: string) =>
  client.frames.filter((frame) => frame.command === 'Read' && frame.roomId === roomId);
const waitForRead = (client: Client, roomId: string, seq: number) =>
  client.until(() =>
    client.frames.find((each) => each.command === 'Read' && each.roomId === roomId && each.seq === seq),
  );

/** What a new socket of the user finds in its `Welcome`. */
async function countsAfterWelcome(url: string, { token }: Account, roomId: string) {
  const client = await Client.resume(url, token, { rooms: {} });
  await client.close();
  const {
    seq: head,
    read: seq,
    unread,
    mentions,
  } = client.welcome.rooms.find(({ id }) => id === roomId) ?? assert.fail();
  return { seq, head, unread, mentions };
}

test('a mark reaches all devices of the user on all gateways, and no other user', async () => {
  const roomId = await openRoom('one', 'two', 'three');
  const [phone, laptop, old] = await Promise.all([
    connect(gatewayA, bob),
    connect(gatewayB, bob),
    connect(gatewayB, bob, 'classic'),
  ]);
  assert.deepEqual(await countsAfterWelcome(gatewayB, bob, roomId), { seq: 2, head: 5, unread: 3, mentions: 0 });
  phone.send({ command: 'MarkRead', roomId, seq: 3 });
  phone.send({ command: 'MarkRead', roomId, seq: 4 });
  const expected = { command: 'Read', roomId, seq: 4, head: 5, unread: 1, mentions: 0 };
  for (const device of [phone, laptop]) assert.deepEqual(await waitForRead(device, roomId, 4), expected);
  assert.deepEqual(await countsAfterWelcome(gatewayB, bob, roomId), { seq: 4, head: 5, unread: 1, mentions: 0 });
  // A deleted message keeps its place in the history. An edit and a deletion have no place of their own.
  const { id: targetId } = await write(roomId);
  await writer.commit({ command: 'UpdateMessage', roomId, targetId, text: 'Hello again!' });
  await writer.commit({ command: 'DeleteMessage', roomId, targetId });
  assert.deepEqual(await countsAfterWelcome(gatewayB, bob, roomId), { seq: 4, head: 8, unread: 2, mentions: 0 });
  for (const client of [writer, old]) {
    await client.roundTrip();
    assert.deepEqual(readsOf(client, roomId), []);
  }
});

test('a mark moves only forward, and never above the head', async () => {
  const roomId = await openRoom('one', 'two');
  const client = await connect(gatewayA, bob);
  client.send({ command: 'MarkRead', roomId, seq: 1_000_000 });
  await waitForRead(client, roomId, 4);
  client.send({ command: 'MarkRead', roomId, seq: 1 });
  await client.until(() => readsOf(client, roomId)[1]);
  assert.deepEqual(await countsAfterWelcome(gatewayA, bob, roomId), { seq: 4, head: 4, unread: 0, mentions: 0 });
});

test('members who are mentioned are in the message, and their mentions are counted', async () => {
  const roomId = await openRoom('nobody');
  const client = await connect(gatewayB, bob);
  const { id } = await write(roomId, 'Hello @bob!');
  await write(roomId, 'nobody');
  const plain = await client.waitForMessage({ roomId, seq: 5 });
  const mentioning = await client.waitForMessage({ id });
  assert.deepEqual([mentioning.mentions, 'mentions' in plain], [[bob.id], false]);
  assert.deepEqual(await countsAfterWelcome(gatewayA, bob, roomId), { seq: 2, head: 5, unread: 3, mentions: 1 });
  client.send({ command: 'MarkRead', roomId, seq: 3 });
  assert.deepEqual(await waitForRead(client, roomId, 3), {
    ...{ command: 'Read', roomId, seq: 3, head: 5, unread: 2, mentions: 1 },
  });
  const edit = (text: string) => call(gatewayA, `PUT /api/messages/${id}`, { token: ann.token, body: { text } });
  assert.deepEqual(bodyOf(Message, await edit('@Ann and @Bob Testing')).mentions?.length, 2);
  assert.equal(bodyOf(Message, await edit('nobody')).mentions, undefined);
  assert.deepEqual(await countsAfterWelcome(gatewayA, bob, roomId), { seq: 3, head: 7, unread: 2, mentions: 0 });
  // What a client that was offline gets, from the memory of a gateway.
  const { epoch } = client.welcome;
  const offline = await Client.resume(gatewayB, bob.token, { epoch, rooms: { [roomId]: 3 } });
  assert.ok(offline.messages(roomId).every((message) => !('mentions' in message)));
  assert.equal(offline.messages(roomId).length, 4);
  await offline.close();
});

test('a later membership does not remember the mark of an earlier one', async () => {
  const roomId = await openRoom('one');
  const mark = (seq: number) => call(gatewayB, `PUT /api/rooms/${roomId}/read`, { token: bob.token, body: { seq } });
  assert.deepEqual(bodyOf(ReadCounts, await mark(3)), { seq: 3, head: 3, unread: 0, mentions: 0 });
  await writer.commit({ command: 'RemoveUser', roomId, targetId: bob.id });
  await write(roomId);
  refused(await mark(5), 'no_such_room');
  await writer.commit({ command: 'AddUser', roomId, targetId: bob.id });
  await write(roomId);
  assert.deepEqual(await countsAfterWelcome(gatewayA, bob, roomId), { seq: 6, head: 7, unread: 1, mentions: 0 });
});

test('what is before the registration is read', async () => {
  await write('general');
  const dan = await createAccount(gatewayA, 'Dan');
  assert.equal((await countsAfterWelcome(gatewayA, dan, 'general')).unread, 0);
  await write('general');
  assert.equal((await countsAfterWelcome(gatewayA, dan, 'general')).unread, 1);
});

test('a mark of a stranger is ignored, and a mark that is not valid is refused', async () => {
  const roomId = await openRoom('one');
  const [stranger, old] = [await connect(gatewayA, cid), await connect(gatewayA, bob, 'classic')];
  stranger.send({ command: 'MarkRead', roomId, seq: 3 });
  stranger.send({ command: 'MarkRead', roomId, seq: -1 });
  stranger.send({ command: 'MarkRead', roomId: 'no room', seq: 3 });
  old.send({ command: 'MarkRead', roomId, seq: 3 });
  await Promise.all([stranger.until(() => stranger.errors()[1]), old.until(() => old.errors()[0])]);
  assert.deepEqual(
    stranger.errors().map(({ code }) => code),
    ['invalid_field', 'no_such_room'],
  );
  await writer.commit({ command: 'AddUser', roomId, targetId: cid.id });
  assert.deepEqual(await countsAfterWelcome(gatewayA, cid, roomId), { seq: 4, head: 4, unread: 0, mentions: 0 });
  assert.deepEqual(readsOf(stranger, roomId), []);
});

test('a mark that comes while no worker runs is stored later', async () => {
  const roomId = await openRoom('one');
  const client = await connect(gatewayA, bob);
  process.kill(cluster.workers[0]?.pid as number, 'SIGKILL');
  await cluster.workers[0]?.ended;
  client.send({ command: 'MarkRead', roomId, seq: 3 });
  await client.roundTripOfPings();
  await cluster.startWorker();
  assert.deepEqual(await waitForRead(client, roomId, 3), {
    command: 'Read',
    roomId,
    seq: 3,
    head: 3,
    unread: 0,
    mentions: 0,
  });
});

test('a gateway that stops stores its marks first', async () => {
  const roomId = await openRoom('one');
  const client = await connect(gatewayB, bob);
  client.send({ command: 'MarkRead', roomId, seq: 3 });
  await client.roundTripOfPings();
  await cluster.gateways[1]?.stop();
  assert.deepEqual(await countsAfterWelcome(gatewayA, bob, roomId), { seq: 3, head: 3, unread: 0, mentions: 0 });
});
