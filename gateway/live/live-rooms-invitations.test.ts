import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import {
  assertReceived,
  broadcast,
  database,
  delays,
  gateway,
  holds,
  names,
  notify,
  otherGateway,
  ownerId,
  publisher,
  readCounts,
  roomId,
  store,
  until,
  userId,
} from '../../test/support/live-gateways.ts';
import { storeMessage } from '../../test/support/stored-messages.ts';

test('an invited user receives all messages from the invitation on, with and without a feed of the room', async () => {
  const stranger = { userId: ownerId };
  const inside = await gateway.attach();
  const [withFeed, withoutFeed] = [await gateway.attach(stranger), await otherGateway.attach(stranger)];
  const [invitation, later] = [await store('AddUser', ownerId), await store('CreateMessage')];
  await broadcast(invitation, later);
  for (let count = 0; count < 2; count++) await notify({ invitation: { roomId, seq: invitation.seq } }, ownerId);
  await until(() => withoutFeed.topics.has(roomId), withoutFeed.seqs);
  await assertReceived(withoutFeed, [2, 3]);
  for (const socket of [inside, withFeed]) assert.deepEqual(socket.seqs.slice(0, 2), [2, 3]);
});

test('an invitation whose notice was lost is found in Postgres', async () => {
  const socket = await gateway.attach();
  const id = newId();
  await database`insert into rooms (id, name, owner_id, room_type) values (${id}, 'a room', ${ownerId}, 'Private')`;
  await storeMessage(database, { roomId: id, userId: ownerId, command: 'AddUser', targetId: userId });
  await until(() => socket.topics.has(id), socket);
  assert.deepEqual(socket.seqs, [1]);
});

test('40 invitations of a user read few rooms, one read at a time, and the user gets the messages of each room', async () => {
  const socket = await gateway.attach();
  const roomIds = Array.from({ length: 40 }, () => newId());
  Object.assign(readCounts, { rooms: 0, inFlight: 0, maxInFlight: 0, failed: 0 });
  for (const id of roomIds) {
    await database`insert into rooms (id, name, owner_id, room_type) values (${id}, 'a room', ${ownerId}, 'Private')`;
    await storeMessage(database, { roomId: id, userId: ownerId, command: 'AddUser', targetId: userId });
  }
  for (const id of roomIds) void notify({ invitation: { roomId: id, seq: 1 } });
  await until(() => socket.topics.size === 41 && readCounts.inFlight === 0, [socket, readCounts]);
  assert.deepEqual(socket.seqs, Array(40).fill(1));
  // On a slow machine, a sweep finds some of these invitations too. With all rooms in each read, there would be 1,600.
  assert.ok(readCounts.rooms <= 160, `${readCounts.rooms} rooms`);
  assert.deepEqual([readCounts.maxInFlight, readCounts.failed], [1, 0]);
});

test('after an invitation to a room that the user is already in, an invitation to another room is accepted', async () => {
  const socket = await gateway.attach();
  await notify({ invitation: { roomId, seq: 1 } });
  await assertReceived(socket, []);
  const other = newId();
  await database`insert into rooms (id, name, owner_id, room_type) values (${other}, 'a room', ${ownerId}, 'Private')`;
  await storeMessage(database, { roomId: other, userId: ownerId, command: 'AddUser', targetId: userId });
  await notify({ invitation: { roomId: other, seq: 1 } });
  await until(() => socket.topics.has(other), socket);
});

test('an invitation is accepted after a read of it has failed', async () => {
  const socket = await gateway.attach({ userId: ownerId });
  const failure = Promise.reject(new Error('this read fails'));
  failure.catch(() => undefined);
  delays.set(ownerId, failure);
  await store('AddUser', ownerId);
  await notify({ invitation: { roomId, seq: 2 } }, ownerId);
  await until(() => readCounts.failed > 0, readCounts);
  delays.delete(ownerId);
  await until(() => socket.topics.has(roomId), socket);
  await assertReceived(socket, [2]);
});

test('a user who is added again while the first invitation is in progress joins the room', async () => {
  const socket = await gateway.attach({ userId: ownerId });
  for (const command of ['AddUser', 'RemoveUser'] as const) await store(command, ownerId);
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasRead = false;
  holds.set(ownerId, () => {
    hasRead = true;
    return promise;
  });
  await notify({ invitation: { roomId, seq: 2 } }, ownerId);
  await until(() => hasRead, readCounts);
  await store('AddUser', ownerId);
  await notify({ invitation: { roomId, seq: 4 } }, ownerId);
  await publisher.publish(names.notices, 'x'); // comes after the invitation, on the same connection
  await until(async () => (await gateway.unreadable('notice')) === 1, gateway.metrics);
  holds.delete(ownerId);
  resolve();
  await until(() => socket.topics.has(roomId), socket);
  await assertReceived(socket, [4]);
});

test('if the feed adds a user during the start of a replay, the user receives each message once', async () => {
  const socket = await gateway.attach({ userId: ownerId });
  const { promise, resolve } = Promise.withResolvers<void>();
  delays.set(ownerId, promise);
  await notify({ invitation: { roomId, seq: 2 } }, ownerId);
  await until(() => gateway.liveRooms.counts.rooms === 1, gateway.liveRooms);
  await gateway.attach(); // starts the feed
  await broadcast(await store('AddUser', ownerId));
  await until(() => socket.seqs.length === 1, socket);
  resolve();
  await assertReceived(socket, [2]);
  await assertReceived(socket, [2, 3]);
});

test('an invitation to a room that does not exist is ignored', async () => {
  const socket = await gateway.attach();
  await notify({ invitation: { roomId: newId(), seq: 1 } });
  await assertReceived(socket, []);
  await until(() => gateway.liveRooms.counts.rooms === 1, gateway.liveRooms.counts);
});

test('a user who is added again before the feed has delivered it gets no message from between', async () => {
  const socket = await gateway.attach({ userId: ownerId });
  const { promise, resolve } = Promise.withResolvers<void>();
  delays.set(ownerId, promise);
  await store('AddUser', ownerId);
  await notify({ invitation: { roomId, seq: 2 } }, ownerId);
  await until(() => gateway.liveRooms.counts.rooms === 1, gateway.liveRooms);
  await gateway.attach(); // starts the feed
  const missed = [await store('RemoveUser', ownerId), await store('CreateMessage'), await store('AddUser', ownerId)];
  Object.assign(readCounts, { rooms: 0, inFlight: 0, maxInFlight: 0, failed: 0 });
  resolve();
  await until(() => readCounts.rooms > 0 && readCounts.inFlight === 0, readCounts);
  await broadcast(...missed);
  await assertReceived(socket, [5]);
});
