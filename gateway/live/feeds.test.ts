import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { Redis } from 'ioredis';
import { type Broadcast, channelNames, encodeBroadcast } from '../../shared/contract/channels.ts';
import { newId } from '../../shared/contract/ids.ts';
import {
  encodeMessage,
  type MembershipChange,
  type Message,
  membershipChange,
} from '../../shared/contract/messages.ts';
import { createLog } from '../../shared/log.ts';
import { openTestDatabase, testServices } from '../../test/support/system.ts';
import { createReads } from '../reads/reads.ts';
import { Feeds } from './feeds.ts';
import { Presence } from './presence.ts';
import { RoomSubscriptions } from './room-subscriptions.ts';
import { Subscriber } from './subscriber.ts';

const { database } = await openTestDatabase();
const { redisUrl } = testServices();
const log = createLog('test', 'silent');
const names = channelNames(`rooms-${newId()}`);
const publisher = new Redis(redisUrl);
const presence = new Presence(publisher, newId(), names.user('presence'), log);
const subscriber = new Subscriber(new Redis(redisUrl, { autoResubscribe: false }), () => undefined, log);
after(async () => {
  subscriber.close();
  await presence.close();
  publisher.disconnect();
});

const userId = newId();
const ownerId = newId();

/** A socket as far as these two modules know one. */
class Ear {
  closed = false;
  bearer = { userId, tokenId: newId(), version: 0, expires: Number.MAX_SAFE_INTEGER };
  readonly rooms = new Set<string>();
  readonly heard: number[] = [];
  join = (roomId: string) => this.rooms.add(roomId);
  leave = (roomId: string) => this.rooms.delete(roomId);
  send = (frame: string) => this.heard.push(JSON.parse(frame).seq);
  end = () => undefined;
}

let roomId: string;
let ears: Ear[];
let feeds: Feeds;
let online: RoomSubscriptions;

await database`
  insert into users (id, first_name, last_name, email, password_hash)
  select id::uuid, 'Tester', 'Testing', id || '@example.com', '' from unnest(array[${userId}, ${ownerId}]) id`;

beforeEach(async () => {
  roomId = newId();
  ears = [];
  await database`insert into rooms (id, name, owner_id, room_type) values (${roomId}, 'a room', ${ownerId}, 'Private')`;
  const reads = createReads(database);
  const publish = (topic: string, frame: string) => {
    for (const ear of ears) if (ear.rooms.has(topic)) ear.send(frame);
  };
  const deliver = (room: string, record: string, change: MembershipChange | undefined) =>
    online.deliver(room, record, change);
  feeds = new Feeds({ subscriber, names, reads, deliver, log });
  online = new RoomSubscriptions({ feeds, subscriber, names, reads, presence, publish, log });
});

/** Stores the next message of the room, as apply_room_commands would. */
async function store(command: Message['command'], targetId = roomId): Promise<Message> {
  const [row] = await database`update rooms set seq = seq + 1 where id = ${roomId} returning seq`;
  const now = new Date().toISOString();
  const message: Message = {
    ...{ id: newId(), seq: row?.seq, roomId, userId: ownerId, command, targetId, text: 'Hello World!' },
    ...{ createdAt: now, updatedAt: now, ref: newId() },
  };
  await database`
    insert into messages (room_id, seq, id, user_id, command, target_id, text, created_at, updated_at, ref, fingerprint, place)
    values (${roomId}, ${message.seq}, ${message.id}, ${ownerId}, ${command}, ${targetId}, '', now(), now(), ${message.ref}, 0, ${message.seq})`;
  if (command === 'AddUser') {
    await database`insert into memberships (room_id, user_id, seq) values (${roomId}, ${targetId}, ${message.seq})`;
  }
  if (command === 'RemoveUser')
    await database`delete from memberships where room_id = ${roomId} and user_id = ${targetId}`;
  return message;
}

async function broadcast(...messages: Message[]): Promise<void> {
  const changes = messages.map(membershipChange).filter((change) => change !== undefined);
  const told: Broadcast = { head: messages.at(-1)?.seq ?? 0, changes, records: messages.map(encodeMessage) };
  await publisher.publish(names.room(roomId), encodeBroadcast(told));
}

async function connect(): Promise<Ear & { head: number }> {
  const ear = Object.assign(new Ear(), { head: -1 });
  ears.push(ear);
  await online.attach(ear, (rooms) => {
    ear.head = rooms.find(({ id }) => id === roomId)?.seq ?? -1;
  });
  return ear;
}

function disconnect(ear: Ear): void {
  ear.closed = true;
  ears.splice(ears.indexOf(ear), 1);
  online.detach(ear);
}

async function hears(ear: Ear, seqs: number[]): Promise<void> {
  const until = Date.now() + 5_000;
  while (ear.heard.length < seqs.length && Date.now() < until) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ear.heard, seqs);
}

test('a member removed and added again in one broadcast goes on hearing', async () => {
  await store('AddUser', userId);
  const ear = await connect();
  await broadcast(await store('RemoveUser', userId), await store('AddUser', userId));
  await hears(ear, [2, 3]);
  await broadcast(await store('CreateMessage'));
  await hears(ear, [2, 3, 4]);
  disconnect(ear);
});

test('removed and added again in one page read from Postgres, he goes on hearing too', async () => {
  await store('AddUser', userId);
  const ear = await connect();
  await store('RemoveUser', userId);
  await store('AddUser', userId);
  feeds.checkAll();
  await hears(ear, [2, 3]);
  await broadcast(await store('CreateMessage'));
  await hears(ear, [2, 3, 4]);
  disconnect(ear);
});

test('a feed that was left while it was reading hands nothing to those who come after', async () => {
  await store('AddUser', userId);
  const first = await connect();
  for (let count = 0; count < 3; count++) await store('CreateMessage');
  feeds.checkAll();
  disconnect(first);
  const second = await connect();
  await broadcast(await store('CreateMessage'));
  await hears(
    second,
    Array.from({ length: 5 - second.head }, (_, index) => second.head + 1 + index),
  );
  disconnect(second);
});

test('messages that overtake each other are handed on in their order, and one that comes twice once', async () => {
  await store('AddUser', userId);
  const ear = await connect();
  const [two, three, four] = [await store('CreateMessage'), await store('CreateMessage'), await store('CreateMessage')];
  for (const message of [three, two, three, four, two]) await broadcast(message);
  await hears(ear, [2, 3, 4]);
  disconnect(ear);
});
