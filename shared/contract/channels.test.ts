import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBroadcast, encodeBroadcast } from './channels.ts';
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
  const broadcast = { head: 8, changes: [], records: messages.map(encodeMessage) };
  assert.deepEqual(decodeBroadcast(encodeBroadcast(broadcast)), broadcast);
  assert.deepEqual(
    broadcast.records.map((record) => JSON.parse(record).text),
    texts,
  );
});

test('a broadcast without records keeps the head of the room', () => {
  const head = { head: 12, changes: [], records: [] };
  assert.deepEqual(decodeBroadcast(encodeBroadcast(head)), head);
});

test('the command of a message decides which user joins or leaves the room', () => {
  const [userId, targetId] = [newId(), newId()];
  const changeOf = (command: Message['command']) => membershipChange(message({ command, userId, targetId, seq: 3 }));
  assert.equal(changeOf('CreateMessage'), undefined);
  assert.deepEqual(changeOf('CreateRoom'), { seq: 3, userId, isMember: true });
  assert.deepEqual(changeOf('AddUser'), { seq: 3, userId: targetId, isMember: true });
  assert.deepEqual(changeOf('RemoveUser'), { seq: 3, userId: targetId, isMember: false });
});
