import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Broadcast, channelNames, decodeBroadcasts, encodeBroadcasts } from './channels.ts';
import { newId } from './ids.ts';
import { encodeMessage, type Message, membershipChange } from './messages.ts';

const message = (more: Partial<Message>): Message => ({
  id: newId(),
  seq: 1,
  roomId: newId(),
  userId: newId(),
  command: 'CreateMessage',
  targetId: newId(),
  text: 'Hello World!',
  createdAt: '2026-01-02T03:04:05.678Z',
  updatedAt: '2026-01-02T03:04:05.678Z',
  ref: newId(),
  ...more,
});

test('a decoded broadcast equals the encoded one, with all kinds of characters in its texts', () => {
  const texts = ['one\ntwo', 'r\rn\r\n', '\u2028\u2029', '"\\', '💬'];
  const messages = texts.map((text, index) => message({ seq: index + 4, text }));
  const broadcast = { roomId: newId(), head: 8, changes: [], records: messages.map(encodeMessage) };
  assert.deepEqual(decodeBroadcasts(encodeBroadcasts([broadcast])), [broadcast]);
  assert.deepEqual(
    broadcast.records.map((record) => JSON.parse(record).text),
    texts,
  );
});

/** A broadcast of this many records. The last record removes a user. */
function broadcastOf(roomId: string, count: number): Broadcast {
  const messages = Array.from({ length: count }, (_, index) => message({ roomId, seq: index + 1 }));
  const changes = count > 0 ? [{ seq: count, userId: newId(), isMember: false }] : [];
  return { roomId, head: Math.max(count, 12), changes, records: messages.map(encodeMessage) };
}

test('each room of a publication keeps its own records, changes and head', () => {
  const broadcasts = [broadcastOf(newId(), 2), broadcastOf('general', 0), broadcastOf(newId(), 3)];
  assert.deepEqual(decodeBroadcasts(encodeBroadcasts(broadcasts)), broadcasts);
});

test('a publication with a missing record or with one record too many cannot be read', () => {
  const text = encodeBroadcasts([broadcastOf(newId(), 2), broadcastOf(newId(), 1)]);
  assert.throws(() => decodeBroadcasts(text.slice(0, text.lastIndexOf('\n'))));
  assert.throws(() => decodeBroadcasts(`${text}\n{}`));
});

test('the rooms are spread evenly over 16 channels', () => {
  const names = channelNames('rooms');
  const roomsOf = new Map<string, number>();
  for (let room = 0; room < 1_600; room++) {
    const name = names.room(newId());
    roomsOf.set(name, (roomsOf.get(name) ?? 0) + 1);
  }
  assert.equal(roomsOf.size, 16);
  for (const rooms of roomsOf.values()) assert.ok(rooms > 40 && rooms < 180, JSON.stringify([...roomsOf]));
});

test('the command of a message decides which user joins or leaves the room', () => {
  const [userId, targetId] = [newId(), newId()];
  const changeOf = (command: Message['command']) => membershipChange(message({ command, userId, targetId, seq: 3 }));
  assert.equal(changeOf('CreateMessage'), undefined);
  assert.deepEqual(changeOf('CreateRoom'), { seq: 3, userId, isMember: true });
  assert.deepEqual(changeOf('AddUser'), { seq: 3, userId: targetId, isMember: true });
  assert.deepEqual(changeOf('RemoveUser'), { seq: 3, userId: targetId, isMember: false });
});
