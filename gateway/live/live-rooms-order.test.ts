import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import type { Reply } from '../../shared/contract/jobs.ts';
import { encodeVersioned, PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import {
  announceHead,
  assertReceived,
  broadcast,
  gateway,
  names,
  notify,
  otherGateway,
  ownerId,
  publisher,
  roomId,
  store,
  until,
  userId,
} from '../../test/support/live-gateways.ts';
import { encodeMessages } from '../../test/support/stored-messages.ts';

test('a member who is removed and added again in one broadcast receives every message', async () => {
  const socket = await gateway.attach();
  await broadcast(await store('RemoveUser', userId), await store('AddUser', userId));
  await assertReceived(socket, [2, 3]);
});

test('a member who is removed and added again in one read from Postgres receives every message', async () => {
  const socket = await gateway.attach();
  await store('RemoveUser', userId);
  await store('AddUser', userId);
  await gateway.liveRooms.recheck();
  await assertReceived(socket, [2, 3]);
});

test('a removed member receives the removal and no later message', async () => {
  const owner = { userId: ownerId };
  await store('AddUser', ownerId);
  const [socket, witness] = [await gateway.attach(), await gateway.attach(owner)];
  await broadcast(await store('CreateMessage'), await store('RemoveUser', userId), await store('CreateMessage'));
  await assertReceived(witness, [3, 4, 5]);
  assert.deepEqual(socket.seqs, [3, 4]);
  assert.deepEqual(socket.topics, new Set());
});

test('messages that arrive in the wrong order or twice are delivered in order and once', async () => {
  const socket = await gateway.attach();
  const [two, three, four] = [await store('CreateMessage'), await store('CreateMessage'), await store('CreateMessage')];
  for (const message of [three, two, three, four, two]) await broadcast(message);
  await assertReceived(socket, [2, 3, 4]);
});

test('a message and a removal that were stored and never published are found in Postgres', async () => {
  const socket = await gateway.attach();
  await store('CreateMessage');
  await store('RemoveUser', userId);
  await until(() => socket.seqs.length === 2, socket.seqs);
  assert.deepEqual([socket.seqs, socket.topics.size], [[2, 3], 0]);
});

test('two gateways in one process deliver each message to their own sockets', async () => {
  const [socket, other] = [await gateway.attach(), await otherGateway.attach()];
  assert.deepEqual(gateway.liveRooms.counts, { users: 1, sockets: 1, rooms: 1 });
  await broadcast(await store('CreateMessage'));
  for (const each of [socket, other]) {
    await until(() => each.seqs.length > 0, each.seqs);
  }
  gateway.detach(socket);
  await assertReceived(other, [2]);
  assert.deepEqual(socket.seqs, [2]);
  assert.deepEqual(await gateway.liveRooms.whoIsOnline([userId, ownerId]), new Set([userId]));
  otherGateway.detach(other);
  assert.deepEqual(
    [gateway.liveRooms.counts, otherGateway.liveRooms.counts],
    Array(2).fill({ users: 0, sockets: 0, rooms: 0 }),
  );
});

const futureVersion = (payload: object) => JSON.stringify({ ...payload, v: PAYLOAD_VERSION + 1 });

/** Payloads that cannot be read on any channel. */
const garbage = [
  'x',
  '',
  '{}',
  'null',
  '[]',
  '"text"',
  `{"v":${PAYLOAD_VERSION}}`,
  '{"v":1,"head":"1","changes":[]}',
  '\n',
];

test('after an unreadable broadcast, the next announced seq makes the gateway read the gap from Postgres', async () => {
  const socket = await gateway.attach();
  const two = await store('CreateMessage');
  const [header, ...records] = encodeMessages(two).split('\n') as [string, ...string[]];
  const bad = [...garbage, [futureVersion(JSON.parse(header)), ...records].join('\n')];
  for (const payload of bad) await publisher.publish(names.room(roomId), payload);
  await until(async () => (await gateway.unreadable('broadcast')) === bad.length, bad);
  assert.deepEqual(socket.seqs, []);
  await announceHead(2);
  await until(() => socket.seqs.length > 0, socket.seqs);
  await assertReceived(socket, [2]);
});

test('an unreadable notice is dropped, and the next notice is handled', async () => {
  const tokenId = newId();
  const socket = await gateway.attach({ tokenId });
  const bad = [
    ...garbage,
    futureVersion({ notices: [{ userId, revocation: { tokenId } }] }),
    encodeVersioned({ notices: [{ userId, aLaterNotice: { tokenId } }] }),
  ];
  for (const payload of bad) await publisher.publish(names.notices, payload);
  await until(async () => (await gateway.unreadable('notice')) === bad.length, bad);
  assert.equal(socket.refusal, undefined);
  await notify({ revocation: { tokenId } });
  await until(() => socket.refusal !== undefined, socket);
});

test('an unreadable reply is dropped, and the next reply is received', async () => {
  const replies: Reply[] = [];
  await gateway.liveRooms.subscribeToReplies(
    (reply) => replies.push(reply),
    () => undefined,
  );
  const reply: Reply = { job: 'apply-room-commands', lane: 0, number: 0, outcomes: [] };
  const bad = [...garbage, futureVersion(reply), encodeVersioned({ ...reply, lane: -1 })];
  for (const payload of bad) await publisher.publish(names.gateway(gateway.id), payload);
  await publisher.publish(names.gateway(gateway.id), encodeVersioned({ ...reply, added: 'later' }));
  await until(() => replies.length > 0, replies);
  assert.deepEqual(replies, [reply]);
  assert.equal(await gateway.unreadable('reply'), bad.length);
});

test('unknown fields of a broadcast and of a notice are ignored', async () => {
  const tokenId = newId();
  const socket = await gateway.attach({ tokenId });
  const [header, ...records] = encodeMessages(await store('CreateMessage')).split('\n') as [string, ...string[]];
  const extended = JSON.stringify({ ...JSON.parse(header), added: 'later' });
  await publisher.publish(names.room(roomId), [extended, ...records].join('\n'));
  await assertReceived(socket, [2]);
  await notify({ revocation: { tokenId, added: 'later' }, added: 'later' });
  await until(() => socket.refusal !== undefined, socket);
});
