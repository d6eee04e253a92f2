import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShownMessage } from './chunks.ts';
import { continuesGroup, startsDay } from './message-kind.ts';

const at = (time: string, userId = 'ann', command = 'CreateMessage') =>
  ({ id: time, userId, command, createdAt: `2026-01-0${time}` }) as ShownMessage;

test('a message of the same author continues the group for five minutes', () => {
  const first = at('1T10:00:00');
  assert.equal(continuesGroup(at('1T10:04:00'), first, 'ann'), true);
  assert.equal(continuesGroup(at('1T10:06:00'), first, 'ann'), false);
  assert.equal(continuesGroup(at('1T10:01:00', 'bob'), first, 'ann'), false);
  assert.equal(continuesGroup(at('1T10:01:00', 'ann', 'AddUser'), first, 'ann'), false);
});

test('a message of another day starts a day, and a group', () => {
  const [evening, morning] = [at('1T23:59:00'), at('2T00:01:00')];
  assert.deepEqual([startsDay(morning, evening), startsDay(evening, undefined)], [true, true]);
  assert.equal(startsDay(at('2T00:02:00'), morning), false);
  assert.equal(continuesGroup(morning, evening, 'ann'), false);
});
