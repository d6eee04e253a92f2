import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logOf } from '../../test/support/room-log.ts';
import { MessageStream } from './message-stream.ts';
import type { Message } from './protocol.ts';

const log = logOf(Array.from({ length: 9 }, () => ({ kind: 0, pick: 0 })));

function openStream(limit = 4) {
  const seen = { handled: [] as number[], rooms: 0, closes: 0 };
  const stream = new MessageStream({
    limit,
    onHandled: ({ seq }) => seen.handled.push(seq),
    onRoom: () => seen.rooms++,
    onClose: () => seen.closes++,
  });
  return { stream, seen };
}

test('a message is handled when the reader asks for the next one', async () => {
  const { stream, seen } = openStream();
  const waiting = stream.next();
  stream.push(log[0] as Message);
  assert.equal((await waiting).value?.seq, 1);
  assert.deepEqual([seen.handled, stream.hasUnread], [[], true]);
  void stream.next();
  assert.deepEqual([seen.handled, stream.hasUnread], [[1], false]);
});

test('a reader that leaves the loop has not handled the message that it read', async () => {
  const { stream, seen } = openStream();
  for (const message of log.slice(0, 3)) stream.push(message);
  for await (const { seq } of stream) if (seq === 2) break;
  assert.deepEqual([seen.handled, seen.closes], [[1], 1]);
  assert.deepEqual(await stream.next(), { done: true, value: undefined });
});

test('a full stream takes messages again when half of them are read', async () => {
  const { stream, seen } = openStream();
  for (const message of log.slice(0, 4)) stream.push(message);
  assert.ok(stream.isFull);
  await stream.next();
  assert.ok(stream.isFull);
  await stream.next();
  assert.deepEqual([stream.isFull, seen.rooms], [false, 1]);
});

test('a stream of a client that cannot continue rejects', async () => {
  const { stream } = openStream();
  const waiting = stream.next();
  const reason = new Error('no token');
  stream.end(reason);
  await assert.rejects(waiting, reason);
});
