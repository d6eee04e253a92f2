import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newId } from '../../shared/contract/ids.ts';
import type { Message } from '../../shared/contract/messages.ts';
import {
  assertReceived,
  broadcast,
  database,
  gateway,
  holds,
  names,
  notify,
  ownerId,
  publisher,
  roomId,
  seqsFrom,
  store,
  TestSocket,
  until,
  userId,
} from '../../test/support/live-gateways.ts';
import { encodeMessages, storeMessage } from '../../test/support/stored-messages.ts';

/** Returns the id of another room whose messages come through the same channel. */
function neighbourOf(id: string): string {
  for (;;) {
    const other = newId();
    if (names.room(other) === names.room(id)) return other;
  }
}

test('a feed that closes during a read delivers nothing to later sockets', async () => {
  const first = await gateway.attach();
  for (let count = 0; count < 3; count++) await store('CreateMessage');
  void gateway.liveRooms.recheck();
  gateway.detach(first);
  const second = await gateway.attach();
  await broadcast(await store('CreateMessage'));
  await assertReceived(second, seqsFrom(second.head + 1, 5 - second.head));
});

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

test('a revocation whose notice was lost is found in Postgres', async () => {
  const tokenId = newId();
  const [revoked, other] = [await gateway.attach({ tokenId }), await gateway.attach()];
  const logout = { userId, tokenId, expires: '2100-01-01T00:00:00Z' };
  await database`select logout(${database.json(logout)}::jsonb)`;
  await until(() => revoked.refusal?.code === 'token_revoked', revoked);
  assert.equal(other.refusal, undefined);
  await database`select logout_all(${database.json({ userId })}::jsonb)`;
  await until(() => other.refusal?.code === 'token_revoked', other);
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

test('an attach ends if the gateway closes its feeds meanwhile', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let reads = 0;
  // The second read begins when the channel of the room is subscribed.
  holds.set(userId, async () => {
    if (++reads === 2) await promise;
  });
  const attached = gateway.attach();
  attached.catch(() => undefined);
  await until(() => reads === 2, reads);
  await gateway.liveRooms.reload();
  holds.delete(userId);
  resolve();
  await assert.rejects(attached, { code: 'unavailable' });
});

test('a user who is added and removed during the read of their rooms does not join the new feed of the room', async () => {
  const witness = await gateway.attach();
  const { promise, resolve } = Promise.withResolvers<void>();
  let hasRead = false;
  holds.set(ownerId, () => {
    hasRead = true;
    return promise;
  });
  const attaching = gateway.attach({ userId: ownerId });
  await until(() => hasRead, gateway.liveRooms.counts);
  await broadcast(await store('AddUser', ownerId));
  await until(() => witness.seqs.includes(2), witness.seqs);
  gateway.detach(witness); // closes the feed
  await store('RemoveUser', ownerId);
  const later = await gateway.attach(); // starts a new feed, after the removal
  holds.delete(ownerId);
  resolve();
  const socket = await attaching;
  await assertReceived(later, []);
  assert.deepEqual([socket.topics, socket.seqs], [new Set(), []]);
});

test('a socket that attaches while a feed is behind gets nothing from before its user was added', async () => {
  await gateway.attach();
  // These publications are lost.
  await store('CreateMessage');
  await store('CreateMessage');
  const added = await store('AddUser', ownerId);
  const socket = await gateway.attach({ userId: ownerId });
  assert.equal(socket.head, added.seq);
  await assertReceived(socket, []);
});
