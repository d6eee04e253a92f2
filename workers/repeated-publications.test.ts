import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Redis } from 'ioredis';
import { channelNames, decodeBroadcasts, Notices } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import type { Message } from '../shared/contract/messages.ts';
import { decodeVersioned } from '../shared/contract/versions.ts';
import { createLog } from '../shared/log.ts';
import { testServices } from '../test/support/system.ts';
import { RepeatedPublications } from './repeated-publications.ts';

const { redisUrl } = testServices();
const redis = new Redis(redisUrl);
const subscriber = new Redis(redisUrl);
const names = channelNames(`rooms-${newId()}`);
const repeatedPublications = new RepeatedPublications(redis, names, createLog('test', 'silent'));
after(() => {
  repeatedPublications.stop();
  redis.disconnect();
  subscriber.disconnect();
});

const message = (roomId: string, seq: number, more: Partial<Message> = {}): Message => ({
  id: newId(),
  seq,
  roomId,
  userId: newId(),
  command: 'CreateMessage',
  targetId: roomId,
  text: 'Hello World!',
  createdAt: new Date().toISOString(),
  updatedAt: new Date().toISOString(),
  ref: newId(),
  ...more,
});

test('the head of a room and an invitation are published again, once per second', async () => {
  const [roomId, targetId] = [newId(), newId()];
  await subscriber.subscribe(names.room(roomId), names.notices);
  const heads: number[] = [];
  const invitations: unknown[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  subscriber.on('message', (channel, payload) => {
    if (channel === names.room(roomId)) heads.push(...decodeBroadcasts(payload).map(({ head }) => head));
    else invitations.push(...decodeVersioned(Notices, payload).notices);
    if (heads.length === 2 && invitations.length === 2) resolve();
  });
  repeatedPublications.addMessages([message(roomId, 6, { command: 'AddUser', targetId }), message(roomId, 7)]);
  // A worker may finish an older batch last. The head stays at the highest seq.
  repeatedPublications.addMessages([message(roomId, 5)]);
  await promise;
  assert.deepEqual(heads, [7, 7]);
  const notice = { userId: targetId, invitation: { roomId, seq: 6 } };
  assert.deepEqual(invitations, [notice, notice]);
});
