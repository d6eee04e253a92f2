import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { channelNames, encodeBroadcasts } from '../../shared/contract/channels.ts';
import type { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { Reply } from '../../shared/contract/jobs.ts';
import type { Message } from '../../shared/contract/messages.ts';
import { encodeVersioned, PAYLOAD_VERSION } from '../../shared/contract/versions.ts';
import { createLog } from '../../shared/log.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { PayloadReader } from '../../shared/payloads.ts';
import { encodeMessages, storeMessage } from '../../test/support/stored-messages.ts';
import { openTestDatabase, testServices } from '../../test/support/system.ts';
import type { Bearer } from '../accounts/tokens.ts';
import { createReads } from '../reads/reads.ts';
import type { LiveSocket } from './attached-user.ts';
import { LiveRooms } from './live-rooms.ts';

const { database } = await openTestDatabase();
const { redisUrl } = testServices();
const log = createLog('test', 'silent');
const reads = createReads(database);
/** For each of these users, a read of the memberships waits for the promise. */
const delays = new Map<string, Promise<void>>();
/** For each of these users, the result of a read waits for this function. */
const holds = new Map<string, () => Promise<void>>();
const delayedReads = {
  ...reads,
  attachment: async (key: Parameters<typeof reads.attachment>[0]) => {
    await delays.get(key.bearer.userId);
    const result = await reads.attachment(key);
    await holds.get(key.bearer.userId)?.();
    return result;
  },
  membershipsIn: async (userId: string, roomIds: string[]) => {
    await delays.get(userId)?.catch((error: unknown) => {
      readCounts.failed++;
      throw error;
    });
    const memberships = await countRead(roomIds.length, reads.membershipsIn(userId, roomIds));
    await holds.get(userId)?.();
    return memberships;
  },
  messagesAfter: (...parameters: Parameters<typeof reads.messagesAfter>) =>
    countRead(1, reads.messagesAfter(...parameters)),
};
/** The reads of the live rooms: how many rooms they asked for, and how many were in flight at the same time. */
const readCounts = { rooms: 0, inFlight: 0, maxInFlight: 0, failed: 0 };
async function countRead<T>(rooms: number, read: Promise<T>): Promise<T> {
  readCounts.rooms += rooms;
  readCounts.maxInFlight = Math.max(readCounts.maxInFlight, ++readCounts.inFlight);
  return read.finally(() => readCounts.inFlight--);
}
const prefix = `rooms-${newId()}`;
const names = channelNames(prefix);
const publisher = new Redis(redisUrl);

/** A socket that keeps the seqs of the messages it receives. */
class TestSocket implements LiveSocket {
  closed = false;
  attachment: LiveSocket['attachment'];
  refusal: Refusal | undefined;
  /** The seq of the room's last message when the socket was attached. */
  head = -1;
  readonly topics = new Set<string>();
  readonly seqs: number[] = [];
  join = (topic: string) => this.topics.add(topic);
  leave = (topic: string) => this.topics.delete(topic);
  send = (frame: string) => this.seqs.push(JSON.parse(frame).seq);
  closeWithError = (refusal: Refusal) => {
    this.refusal = refusal;
  };
}

/** The live rooms of one gateway, and its sockets. Each test has two of these gateways in this process. */
class TestGateway {
  readonly id = newId();
  readonly sockets = new Set<TestSocket>();
  readonly metrics = createMetrics();
  readonly subscriberRedis = new Redis(redisUrl, { autoResubscribe: false, retryStrategy: () => 10 });
  readonly liveRooms = new LiveRooms({
    redis: publisher,
    subscriberRedis: this.subscriberRedis,
    gatewayId: this.id,
    prefix,
    reads: delayedReads,
    publish: (topic, frame) => {
      for (const socket of this.sockets) if (socket.topics.has(topic)) socket.send(frame);
    },
    payloads: new PayloadReader(this.metrics, log),
    log,
  });

  async attach(bearer: Partial<Bearer> = {}): Promise<TestSocket> {
    const socket = new TestSocket();
    this.sockets.add(socket);
    const whole = { userId, tokenId: newId(), version: 0, expires: Number.MAX_SAFE_INTEGER, ...bearer };
    await this.liveRooms.attach(socket, whole, (rooms) => {
      socket.head = rooms.find(({ id }) => id === roomId)?.seq ?? -1;
    });
    return socket;
  }

  detach(socket: TestSocket): void {
    socket.closed = true;
    this.sockets.delete(socket);
    this.liveRooms.detach(socket);
  }

  async unreadable(kind: string): Promise<number> {
    const { values } = await this.metrics.unreadablePayloads.get();
    return values.find(({ labels }) => labels.kind === kind)?.value ?? 0;
  }
}

let gateway: TestGateway;
let otherGateway: TestGateway;
let userId: string;
let ownerId: string;
let roomId: string;

after(() => publisher.disconnect());

/** Each test has its own gateways, users and room. Message 1 of the room adds the user `userId`. */
beforeEach(async () => {
  [gateway, otherGateway] = [new TestGateway(), new TestGateway()];
  [userId, ownerId, roomId] = [newId(), newId(), newId()];
  await database`
    insert into users (id, first_name, last_name, email, password_hash)
    select id::uuid, 'Tester', 'Testing', id || '@example.com', '' from unnest(array[${userId}, ${ownerId}]) id`;
  await database`insert into rooms (id, name, owner_id, room_type) values (${roomId}, 'a room', ${ownerId}, 'Private')`;
  await store('AddUser', userId);
});
afterEach(() => Promise.all([gateway.liveRooms.close(), otherGateway.liveRooms.close()]));

const store = (command: Message['command'], targetId = roomId) =>
  storeMessage(database, { roomId, userId: ownerId, command, targetId });
const broadcast = (...messages: Message[]) => publisher.publish(names.room(roomId), encodeMessages(...messages));
const announceHead = (head: number) =>
  publisher.publish(names.room(roomId), encodeBroadcasts([{ roomId, head, changes: [], records: [] }]));
const notify = (notice: object, of = userId) =>
  publisher.publish(names.notices, encodeVersioned({ notices: [{ userId: of, ...notice }] }));

/** @param seen is printed if the condition is still false after 5 seconds */
async function until(isTrue: () => boolean | Promise<boolean>, seen: unknown): Promise<void> {
  const end = Date.now() + 5_000;
  while (!(await isTrue())) {
    assert.ok(Date.now() < end, inspect(seen));
    await nextTurn();
  }
}

/**
 * Sends one more message to the room, waits for this message, and compares all messages that arrived before. So it
 * finds a missing message and a second copy of a message.
 */
async function assertReceived(socket: TestSocket, seqs: number[]): Promise<void> {
  const marker = await store('CreateMessage');
  await broadcast(marker);
  await until(() => socket.seqs.includes(marker.seq), socket.seqs);
  assert.deepEqual(socket.seqs, [...seqs, marker.seq]);
}

const seqsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

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

test('a feed that closes during a read delivers nothing to later sockets', async () => {
  const first = await gateway.attach();
  for (let count = 0; count < 3; count++) await store('CreateMessage');
  void gateway.liveRooms.recheck();
  gateway.detach(first);
  const second = await gateway.attach();
  await broadcast(await store('CreateMessage'));
  await assertReceived(second, seqsFrom(second.head + 1, 5 - second.head));
});

test('messages that arrive in the wrong order or twice are delivered in order and once', async () => {
  const socket = await gateway.attach();
  const [two, three, four] = [await store('CreateMessage'), await store('CreateMessage'), await store('CreateMessage')];
  for (const message of [three, two, three, four, two]) await broadcast(message);
  await assertReceived(socket, [2, 3, 4]);
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

test('40 invitations of a user read 80 rooms, one read at a time, and the user gets the messages of each room', async () => {
  const socket = await gateway.attach();
  const roomIds = Array.from({ length: 40 }, () => newId());
  for (const id of roomIds) {
    await database`insert into rooms (id, name, owner_id, room_type) values (${id}, 'a room', ${ownerId}, 'Private')`;
    await storeMessage(database, { roomId: id, userId: ownerId, command: 'AddUser', targetId: userId });
  }
  Object.assign(readCounts, { rooms: 0, inFlight: 0, maxInFlight: 0, failed: 0 });
  for (const id of roomIds) void notify({ invitation: { roomId: id, seq: 1 } });
  await until(() => socket.topics.size === 41, [socket, readCounts]);
  assert.deepEqual(socket.seqs, Array(40).fill(1));
  assert.deepEqual(readCounts, { rooms: 80, inFlight: 0, maxInFlight: 1, failed: 0 });
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

test('a revocation closes the sockets of its token and no other sockets', async () => {
  const tokenId = newId();
  const [revoked, other] = [await gateway.attach({ tokenId }), await gateway.attach()];
  await notify({ revocation: { tokenId } });
  await until(() => revoked.refusal !== undefined, revoked);
  assert.equal(revoked.refusal?.code, 'token_revoked');
  assert.equal(other.refusal, undefined);
  await notify({ revocation: { version: 1 } });
  await until(() => other.refusal !== undefined, other);
});

test('after a reconnect, sockets receive the messages and revocations that were missed', async () => {
  const tokenId = newId();
  const [socket, revoked] = [await gateway.attach(), await gateway.attach({ tokenId })];
  // Neither change is published. So both are like changes whose publications were lost before the reconnect.
  await store('CreateMessage');
  await database`insert into revoked_tokens (id, expires_at) values (${tokenId}, now() + interval '1 hour')`;
  gateway.subscriberRedis.disconnect(true);
  await until(() => socket.seqs.length > 0 && revoked.refusal !== undefined, [socket, revoked]);
  await assertReceived(socket, [2]);
});

test('after a reconnect, the rooms and tokens of a user are read again until Postgres answers', async () => {
  const tokenId = newId();
  const revoked = await gateway.attach({ tokenId });
  await database`insert into revoked_tokens (id, expires_at) values (${tokenId}, now() + interval '1 hour')`;
  let failures = 0;
  holds.set(userId, async () => {
    if (++failures === 3) holds.delete(userId);
    throw new Error('postgres did not answer');
  });
  gateway.subscriberRedis.disconnect(true);
  await until(() => revoked.refusal?.code === 'token_revoked', revoked);
  assert.equal(failures, 3);
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
  await gateway.liveRooms.subscribeToReplies((reply) => replies.push(reply));
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

test('an invitation to a room that does not exist is ignored', async () => {
  const socket = await gateway.attach();
  await notify({ invitation: { roomId: newId(), seq: 1 } });
  await assertReceived(socket, []);
  await until(() => gateway.liveRooms.counts.rooms === 1, gateway.liveRooms.counts);
});

/** Returns the id of another room whose messages come through the same channel. */
function neighbourOf(id: string): string {
  for (;;) {
    const other = newId();
    if (names.room(other) === names.room(id)) return other;
  }
}

test('a message that arrives between the read of a room and the start of its feed is not missed', async () => {
  const neighbour = neighbourOf(roomId);
  await database`insert into rooms (id, name, owner_id, room_type) values (${neighbour}, 'b', ${ownerId}, 'Private')`;
  await database`insert into memberships (room_id, user_id) values (${neighbour}, ${ownerId})`;
  await gateway.attach({ userId: ownerId }); // subscribes the channel
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasRead = false;
  holds.set(userId, () => {
    hasRead = true;
    return promise;
  });
  const attaching = gateway.attach();
  await until(() => hasRead, gateway.liveRooms.counts);
  await broadcast(await store('CreateMessage'));
  await publisher.publish(names.notices, 'x'); // comes after the broadcast, on the same connection
  await until(async () => (await gateway.unreadable('notice')) === 1, gateway.metrics);
  resolve();
  const socket = await attaching;
  assert.equal(socket.head, 1);
  await until(() => socket.seqs.length > 0, socket.seqs);
  await assertReceived(socket, [2]);
});

/** More rooms than a socket joins at once, and than one read has. */
const MANY_ROOMS = 2_500;

/** Makes the user `userId` a member of many rooms. @returns the ids of the rooms */
async function joinManyRooms(): Promise<string[]> {
  const ids = Array.from({ length: MANY_ROOMS }, newId);
  const list = `{${ids.join()}}`;
  await database`
    insert into rooms (id, name, owner_id, room_type, seq)
    select id, 'one of many', ${ownerId}, 'Private', 1 from unnest(${list}::uuid[]) id`;
  await database`
    insert into memberships (room_id, user_id, seq) select id, ${userId}, 1 from unnest(${list}::uuid[]) id`;
  return ids;
}

/** Keeps the seqs of each room, and the order of the `Welcome` among the messages. */
class RoomSocket extends TestSocket {
  welcome = new Map<string, number>();
  readonly received = new Map<string, number[]>();
  beforeWelcome = 0;
  override send = (frame: string) => {
    if (this.welcome.size === 0) this.beforeWelcome++;
    const { roomId: id, seq } = JSON.parse(frame) as Message;
    this.received.set(id, [...(this.received.get(id) ?? []), seq]);
    return 0;
  };
}

test('a socket of a user with very many rooms gets each message once and in order while it attaches', async () => {
  const ids = await joinManyRooms();
  const [early, late] = [ids[0] as string, ids.at(-1) as string];
  const witness = await gateway.attach(); // keeps the feeds, and is ready before the other socket attaches
  const socket = new RoomSocket();
  gateway.sockets.add(socket);
  const bearer = { userId, tokenId: newId(), version: 0, expires: Number.MAX_SAFE_INTEGER };
  const attached = gateway.liveRooms.attach(socket, bearer, (rooms) => {
    socket.welcome = new Map(rooms.map(({ id, seq }) => [id, seq]));
  });
  const seqs = new Map([early, late].map((id) => [id, 1]));
  const write = async (id: string) => {
    const message = await storeMessage(database, {
      roomId: id,
      userId: ownerId,
      command: 'CreateMessage',
      targetId: id,
    });
    seqs.set(id, message.seq);
    await publisher.publish(names.room(id), encodeMessages(message));
  };
  // Messages before the Welcome, and until the socket has joined every topic.
  while (socket.topics.size < MANY_ROOMS) await Promise.all([write(early), write(late)]);
  await attached;
  await write(early);
  await write(late);
  const isComplete = () => [early, late].every((id) => socket.received.get(id)?.at(-1) === seqs.get(id));
  await until(isComplete, [...socket.received]);
  assert.equal(socket.beforeWelcome, 0);
  assert.equal(socket.welcome.size, MANY_ROOMS + 1);
  for (const id of [early, late]) {
    const first = (socket.welcome.get(id) as number) + 1;
    assert.deepEqual(socket.received.get(id), seqsFrom(first, (seqs.get(id) as number) - first + 1));
  }
  gateway.detach(witness);
  gateway.detach(socket);
  await until(() => gateway.liveRooms.counts.rooms === 0, gateway.liveRooms.counts);
});

test('a user who leaves and joins rooms while a socket attaches has exactly the topics of their rooms', async () => {
  const ids = await joinManyRooms();
  await gateway.attach();
  const socket = new TestSocket();
  gateway.sockets.add(socket);
  const bearer = { userId, tokenId: newId(), version: 0, expires: Number.MAX_SAFE_INTEGER };
  const attached = gateway.liveRooms.attach(socket, bearer, () => undefined);
  const rooms = new Set([roomId, ...ids]);
  const change = async (id: string, command: Message['command']) => {
    const message = await storeMessage(database, { roomId: id, userId: ownerId, command, targetId: userId });
    await publisher.publish(names.room(id), encodeMessages(message));
    if (command === 'AddUser') await notify({ invitation: { roomId: id, seq: message.seq } });
  };
  for (let index = 0; index < 20; index++) {
    const [left, back] = [ids[index * 100] as string, ids[index * 100 + 50] as string];
    await change(left, 'RemoveUser');
    rooms.delete(left);
    await change(back, 'RemoveUser');
    await change(back, 'AddUser');
  }
  await attached;
  await until(() => socket.topics.size === rooms.size, socket.topics.size);
  assert.deepEqual([...socket.topics].sort(), [...rooms].sort());
});
