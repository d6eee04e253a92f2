import assert from 'node:assert/strict';
import { after, afterEach, beforeEach } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import type { Bearer } from '../../gateway/accounts/tokens.ts';
import type { LiveSocket } from '../../gateway/live/attached-user.ts';
import { LiveRooms } from '../../gateway/live/live-rooms.ts';
import type { PeopleTimes } from '../../gateway/live/people/people-times.ts';
import { createReads } from '../../gateway/reads/reads.ts';
import { channelNames, encodeBroadcasts } from '../../shared/contract/channels.ts';
import type { Refusal } from '../../shared/contract/errors.ts';
import { newId } from '../../shared/contract/ids.ts';
import type { Message } from '../../shared/contract/messages.ts';
import type { Presence, TypingUsers } from '../../shared/contract/people.ts';
import { encodeVersioned } from '../../shared/contract/versions.ts';
import { createLog } from '../../shared/log.ts';
import { createMetrics } from '../../shared/metrics.ts';
import { PayloadReader } from '../../shared/payloads.ts';
import { encodeMessages, storeMessage } from './stored-messages.ts';
import { openTestDatabase, testServices } from './system.ts';
import { MAX_WAIT_MS } from './until.ts';

// The live rooms of two gateways, without their processes: for the tests of gateway/live/live-rooms.ts.

export const { database } = await openTestDatabase();
const { redisUrl } = testServices();
const log = createLog('test', 'silent');
const reads = createReads(database);
/** For each of these users, a read of the memberships waits for the promise. */
export const delays = new Map<string, Promise<void>>();
/** For each of these users, the result of a read waits for this function. */
export const holds = new Map<string, () => Promise<void>>();
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
export const readCounts = { rooms: 0, inFlight: 0, maxInFlight: 0, failed: 0 };
async function countRead<T>(rooms: number, read: Promise<T>): Promise<T> {
  readCounts.rooms += rooms;
  readCounts.maxInFlight = Math.max(readCounts.maxInFlight, ++readCounts.inFlight);
  return read.finally(() => readCounts.inFlight--);
}
const prefix = `rooms-${newId()}`;
export const names = channelNames(prefix);
export const publisher = new Redis(redisUrl);

/** Short times, so that a test need not wait long. */
const peopleTimes: PeopleTimes = { refreshEveryMs: 20, graceMs: 200, lingerMs: 100, beatEveryMs: 100, leaseMs: 600 };

/** A socket that keeps the seqs of the messages it receives. */
export class TestSocket implements LiveSocket {
  closed = false;
  readonly isV1 = true;
  attachment: LiveSocket['attachment'];
  refusal: Refusal | undefined;
  /** The seq of the room's last message when the socket was attached. */
  head = -1;
  readonly topics = new Set<string>();
  readonly seqs: number[] = [];
  join = (topic: string) => this.topics.add(topic);
  leave = (topic: string) => this.topics.delete(topic);
  /** The frames about people. */
  readonly people: (Presence | TypingUsers)[] = [];
  send = (frame: string) => {
    const parsed = JSON.parse(frame);
    if ('seq' in parsed) this.seqs.push(parsed.seq);
    else this.people.push(parsed);
  };
  sendTogether = (frames: string[]) => {
    for (const frame of frames) this.send(frame);
  };
  unsentBytes = 0;
  cork = (send: () => void) => send();
  waitForUnsent = () => Promise.resolve();
  closeWithError = (refusal: Refusal) => {
    this.refusal = refusal;
  };
}

/** The live rooms of one gateway, and its sockets. Each test has two of these gateways in this process. */
export class TestGateway {
  readonly id = newId();
  readonly sockets = new Set<TestSocket>();
  readonly metrics = createMetrics();
  readonly subscriberRedis = new Redis(redisUrl, { autoResubscribe: false, retryStrategy: () => 10 });
  readonly liveRooms: LiveRooms;
  pendingCommands = 0;
  /** This number of news about people is lost. */
  lostNews = 0;
  #isSilent = false;

  /** @param lingerMs a room is followed for this time after its last member has left */
  constructor(lingerMs = 0) {
    this.liveRooms = new LiveRooms({
      redis: this.#redis(),
      subscriberRedis: this.subscriberRedis,
      gatewayId: this.id,
      prefix,
      reads: delayedReads,
      publish: (topic, frame) => {
        for (const socket of this.sockets) if (socket.topics.has(topic)) socket.send(frame);
      },
      payloads: new PayloadReader(this.metrics, log),
      metrics: this.metrics,
      pendingCommands: () => this.pendingCommands,
      peopleTimes,
      epoch: { spend: () => undefined, renew: async () => undefined },
      lingerMs,
      log,
    });
  }

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

  /** From now on, other gateways receive nothing from this one, as if its process were killed. */
  silence(): void {
    this.#isSilent = true;
  }

  async droppedTyping(reason: string): Promise<number> {
    const { values } = await this.metrics.droppedTyping.get();
    return values.find(({ labels }) => labels.reason === reason)?.value ?? 0;
  }

  /** The connection that publishes. */
  #redis(): Redis {
    const publish = async (channel: string, payload: string): Promise<number> => {
      if (channel !== names.people) return publisher.publish(channel, payload);
      if (this.#isSilent || this.lostNews > 0) {
        this.lostNews--;
        return 0;
      }
      return publisher.publish(channel, payload);
    };
    return new Proxy(publisher, {
      get: (target, name) => (name === 'publish' ? publish : bound(target, name)),
    });
  }

  async unreadable(kind: string): Promise<number> {
    const { values } = await this.metrics.unreadablePayloads.get();
    return values.find(({ labels }) => labels.kind === kind)?.value ?? 0;
  }
}

function bound(target: Redis, name: string | symbol): unknown {
  const value = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

export let gateway: TestGateway;
export let otherGateway: TestGateway;
export let userId: string;
export let ownerId: string;
export let roomId: string;

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

export const store = (command: Message['command'], targetId = roomId) =>
  storeMessage(database, { roomId, userId: ownerId, command, targetId });
export const broadcast = (...messages: Message[]) => publisher.publish(names.room(roomId), encodeMessages(...messages));
export const announceHead = (head: number) =>
  publisher.publish(names.room(roomId), encodeBroadcasts([{ roomId, head, changes: [], records: [] }]));
export const notify = (notice: object, of = userId) =>
  publisher.publish(names.notices, encodeVersioned({ notices: [{ userId: of, ...notice }] }));

/** @param seen is printed if the condition is still false after 5 seconds */
export async function until(isTrue: () => boolean | Promise<boolean>, seen: unknown): Promise<void> {
  const end = Date.now() + MAX_WAIT_MS;
  while (!(await isTrue())) {
    assert.ok(Date.now() < end, inspect(seen));
    await nextTurn();
  }
}

/**
 * Sends one more message to the room, waits for this message, and compares all messages that arrived before. So it
 * finds a missing message and a second copy of a message.
 */
export async function assertReceived(socket: TestSocket, seqs: number[]): Promise<void> {
  const marker = await store('CreateMessage');
  await broadcast(marker);
  await until(() => socket.seqs.includes(marker.seq), socket.seqs);
  assert.deepEqual(socket.seqs, [...seqs, marker.seq]);
}

export const seqsFrom = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
