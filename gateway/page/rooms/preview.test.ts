import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../shared/client/protocol.ts';
import { previewOf, shortTime } from './preview.ts';

const of = (command: Message['command'], text: string) => previewOf({ command, text } as Message, 'Ann');

test('a preview names the author of a written message, and nobody for an event', () => {
  assert.equal(of('CreateMessage', 'hello'), 'Ann: hello');
  assert.equal(of('UpdateMessage', 'changed'), 'Ann: changed');
  assert.equal(of('AddUser', 'Bob joined the room'), 'Bob joined the room');
  assert.doesNotMatch(of('DeleteMessage', ''), /Ann/);
});

test('a message of today shows its time, and an older one its day', () => {
  const now = new Date('2026-03-04T12:00:00');
  assert.match(shortTime('2026-03-04T10:20:00', now), /10.20/);
  assert.doesNotMatch(shortTime('2026-03-03T10:20:00', now), /10.20/);
});
