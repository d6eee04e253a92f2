import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelNames, decodeBroadcasts } from '../shared/contract/channels.ts';
import { newId } from '../shared/contract/ids.ts';
import type { Message } from '../shared/contract/messages.ts';
import { broadcastPublications, headOf, publicationsOf } from './publications.ts';

const names = channelNames('rooms');

const message = (roomId: string, seq: number): Message => ({
  ...{ id: newId(), seq, roomId, userId: newId(), command: 'CreateMessage', targetId: roomId, text: 'Hello World!' },
  ...{ createdAt: new Date().toISOString(), updatedAt: new Date().toISOString(), ref: newId() },
});

test('a publication has at most 500 heads, and each head is published once, on the channel of its room', () => {
  const heads = Array.from({ length: 20_000 }, (_, index) => headOf(newId(), index + 1));
  const published = broadcastPublications(heads, names).map(([channel, payload]) => {
    return { channel, broadcasts: decodeBroadcasts(payload) };
  });
  assert.equal(Math.max(...published.map(({ broadcasts }) => broadcasts.length)), 500);
  const byHead = published.flatMap(({ broadcasts }) => broadcasts).sort((one, other) => one.head - other.head);
  assert.deepEqual(byHead, heads);
  const isElsewhere = ({ channel, broadcasts }: (typeof published)[number]) =>
    broadcasts.some(({ roomId }) => names.room(roomId) !== channel);
  assert.deepEqual(published.filter(isElsewhere), []);
});

test('the earlier messages of a room become one head, which is the highest seq', () => {
  const roomId = newId();
  const earlier = [5, 7, 6].map((seq) => message(roomId, seq));
  const published = publicationsOf([], earlier, names).flatMap(([, payload]) => decodeBroadcasts(payload));
  assert.deepEqual(published, [headOf(roomId, 7)]);
});
