import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../../shared/contract/ids.ts';
import {
  broadcast,
  gateway,
  names,
  otherGateway,
  ownerId,
  publisher,
  roomId,
  store,
  type TestGateway,
  type TestSocket,
  until,
  userId,
} from '../../../test/support/live-gateways.ts';

/** Makes the owner a member, so that the room has two. */
async function addOwner(): Promise<void> {
  await store('AddUser', ownerId);
}

/** Attaches a socket of the user `userId` that watches the room. */
async function watch(of: TestGateway = gateway): Promise<TestSocket> {
  const socket = await of.attach();
  of.liveRooms.watch(socket, [roomId]);
  await until(() => socket.people.length > 0, socket);
  return socket;
}

/** What a client shows after these frames. */
function shownTo({ people }: TestSocket): { online: number; users: string[] } {
  const users = new Set<string>();
  let online = -1;
  for (const frame of people) {
    if (frame.command !== 'Presence') continue;
    if (frame.users) users.clear();
    for (const id of [...(frame.users ?? []), ...(frame.came ?? [])]) users.add(id);
    for (const id of frame.went ?? []) users.delete(id);
    online = frame.online;
  }
  return { online, users: [...users].toSorted() };
}

async function shows(socket: TestSocket, ...users: string[]): Promise<void> {
  const isShown = () => shownTo(socket).users.join() === users.toSorted().join();
  await until(isShown, socket.people);
  assert.equal(shownTo(socket).online, users.length);
}

test('a watching socket sees who comes and who goes, on both gateways, and each user once', async () => {
  await addOwner();
  const watching = await watch();
  assert.deepEqual(shownTo(watching), { online: 1, users: [userId] });
  const sockets = [await gateway.attach({ userId: ownerId }), await otherGateway.attach({ userId: ownerId })];
  await shows(watching, userId, ownerId);
  const onOther = await watch(otherGateway);
  await shows(onOther, userId, ownerId);
  gateway.detach(sockets[0] as TestSocket);
  otherGateway.detach(sockets[1] as TestSocket);
  for (const socket of [watching, onOther]) await shows(socket, userId);
  const changes = watching.people.slice(1).map((frame) => ('came' in frame ? [frame.came, frame.went] : frame));
  assert.deepEqual(changes, [
    [[ownerId], []],
    [[], [ownerId]],
  ]);
});

test('a user who is back within the grace on another gateway has not gone for the others', async () => {
  await addOwner();
  const watching = await watch();
  const before = await gateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
  gateway.detach(before);
  const after = await otherGateway.attach({ userId: ownerId });
  await watch(otherGateway);
  otherGateway.detach(after);
  await shows(watching, userId);
  assert.equal(watching.people.length, 3, JSON.stringify(watching.people));
});

test('members who join and leave come and go, and a removed member gets nothing more', async () => {
  const watching = await watch();
  const owner = await gateway.attach({ userId: ownerId });
  await broadcast(await store('AddUser', ownerId));
  await shows(watching, userId, ownerId);
  gateway.liveRooms.watch(owner, [roomId]);
  await shows(owner, userId, ownerId);
  await broadcast(await store('RemoveUser', ownerId));
  await shows(watching, userId);
  assert.deepEqual([...owner.topics], []);
  gateway.liveRooms.watch(owner, [roomId]);
  gateway.liveRooms.type(owner, roomId);
  await until(() => {
    gateway.liveRooms.type(watching, roomId);
    return watching.people.at(-1)?.command === 'Typing';
  }, watching.people);
  assert.deepEqual(watching.people.at(-1), { command: 'Typing', roomId, users: [userId] });
  assert.equal(owner.people.length, 1);
  assert.deepEqual([...owner.topics], []);
});

test('a socket that ends its list gets nothing more, and gets the state when it watches again', async () => {
  await addOwner();
  const [watching, other] = [await watch(), await watch()];
  gateway.liveRooms.watch(watching, []);
  await gateway.attach({ userId: ownerId });
  await shows(other, userId, ownerId);
  assert.equal(watching.people.length, 1);
  gateway.liveRooms.watch(watching, [roomId]);
  assert.deepEqual(watching.people[1], { command: 'Presence', roomId, online: 2, users: [userId, ownerId] });
});

test('the users of a gateway that ends without a word are gone after the lease', async () => {
  await addOwner();
  const watching = await watch();
  await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
  otherGateway.silence();
  await shows(watching, userId);
});

test('the users of a gateway that stops are gone after the grace', async () => {
  await addOwner();
  const watching = await watch();
  await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
  await otherGateway.liveRooms.close();
  await shows(watching, userId);
});

test('after a lost connection to Redis, a gateway learns what it missed', async () => {
  await addOwner();
  const watching = await watch();
  gateway.subscriberRedis.disconnect(true);
  await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
});

test('publications that are lost are asked for again', async () => {
  await addOwner();
  const watching = await watch();
  const owner = await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
  otherGateway.lostNews = 1; // the change that the owner has gone, or a report of numbers
  otherGateway.detach(owner);
  await shows(watching, userId);
  const again = await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
  gateway.lostNews = 3; // also questions
  otherGateway.detach(again);
  await shows(watching, userId);
});

test('typing reaches both gateways, once for several frames, and not while the gateway is busy', async () => {
  await addOwner();
  const owner = await gateway.attach({ userId: ownerId });
  const [watching, onOther] = [await watch(), await watch(otherGateway)];
  await shows(onOther, userId, ownerId);
  const typing = (socket: TestSocket) => socket.people.filter(({ command }) => command === 'Typing');
  // A gateway whose event loop is busy drops a frame, and this machine can be busy.
  for (const socket of [watching, onOther]) {
    await until(() => {
      gateway.liveRooms.type(owner, roomId);
      return typing(socket).length > 0;
    }, socket.people);
  }
  assert.ok((await gateway.droppedTyping('too_often')) > 0);
  gateway.pendingCommands = 1_000_000;
  await until(async () => {
    gateway.liveRooms.type(watching, roomId);
    return (await gateway.droppedTyping('busy')) > 0;
  }, gateway.metrics);
  for (const socket of [watching, onOther])
    assert.deepEqual(typing(socket)[0], { command: 'Typing', roomId, users: [ownerId] });
});

test('10,000 lists of one socket cost four states, and the last list counts', async () => {
  const socket = await watch();
  for (let count = 0; count < 10_000; count++) gateway.liveRooms.watch(socket, count % 2 === 0 ? [] : [roomId]);
  assert.ok(socket.people.length <= 4, `${socket.people.length} states`);
  gateway.liveRooms.watch(socket, []);
  await until(() => !socket.topics.has(`people:${roomId}`), [...socket.topics]);
});

test('a slow reader gets no state until it has read', async () => {
  const socket = await gateway.attach();
  const other = await gateway.attach();
  socket.unsentBytes = 1_000_000;
  gateway.liveRooms.watch(socket, [roomId]);
  gateway.liveRooms.watch(other, [roomId]);
  await until(() => other.people.length > 0, other);
  assert.deepEqual(socket.people, []);
  socket.unsentBytes = 0;
  await until(() => socket.people.length > 0, socket);
});

test('unreadable news are dropped, and the next news are read', async () => {
  await addOwner();
  const watching = await watch();
  await publisher.publish(names.people, 'x');
  await publisher.publish(names.people, JSON.stringify({ v: 2, from: newId(), isGone: true }));
  await until(async () => (await gateway.unreadable('people')) === 2, 'unreadable');
  await otherGateway.attach({ userId: ownerId });
  await shows(watching, userId, ownerId);
});
