import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AttachedUser } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';

test('a user remembers the last 1,000 rooms that they left, and each room of a replay in progress', () => {
  const user = new AttachedUser('ann', {} as Feeds, { joinRoom: () => undefined, leaveRoom: () => undefined });
  user.beginJoining('room 0');
  for (let room = 0; room < 1_500; room++) user.leave(`room ${room}`, room);
  user.leave('room 600', 2_000);
  assert.equal(user.leftAt.size, 1_000);
  assert.deepEqual([user.leftAt.get('room 0'), user.leftAt.get('room 1')], [0, undefined]);
  assert.deepEqual([...user.leftAt.entries()].at(-1), ['room 600', 2_000]);
});
