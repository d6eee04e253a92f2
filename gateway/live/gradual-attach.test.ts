import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../shared/contract/limits.ts';
import { AttachedUser, type LiveSocket } from './attached-user.ts';
import type { Feeds } from './feeds/feeds.ts';
import { GradualAttach } from './gradual-attach.ts';
import { Slices } from './slices.ts';

// More rooms than the first slice, so that messages arrive before the Welcome.
const ROOMS = Array.from({ length: 500 }, (_, index) => `room ${index}`);
const feeds = { progressOf: () => ({ deliveredSeq: 1 }) } as unknown as Feeds;

/** Begins to attach a socket. Its first room is already collected, and its Welcome comes in a later turn. */
function begin() {
  const user = new AttachedUser('a user', feeds, { joinRoom: () => undefined, leaveRoom: () => undefined });
  for (const id of ROOMS) user.rooms.add(id);
  const received: string[] = [];
  const socket: LiveSocket & { closed: boolean } = {
    ...{ closed: false, isV1: true, attachment: undefined, join: () => undefined, leave: () => undefined },
    ...{ unsentBytes: 0, cork: () => undefined, sendTogether: () => undefined, waitForUnsent: () => Promise.resolve() },
    send: (frame) => received.push(frame),
    closeWithError: ({ code }) => {
      socket.closed = true;
      received.push(code);
    },
  };
  const attach = new GradualAttach(user, socket);
  const attached = attach.run(feeds, new Slices(), () => received.push('Welcome'));
  return { attach, attached, received };
}

test('messages before the Welcome are held, and sent after it', async () => {
  const { attach, attached, received } = begin();
  attach.receive('room 0', 'a message');
  assert.deepEqual(received, []);
  await attached;
  assert.deepEqual(received, ['Welcome', 'a message']);
});

test('a socket with more held messages than it may have unsent bytes is closed', async () => {
  const { attach, attached, received } = begin();
  attach.receive('room 0', 'x'.repeat(limits.MAX_UNSENT_BYTES));
  assert.deepEqual(received, []);
  attach.receive('room 0', 'one more');
  attach.receive('room 0', 'and another');
  await attached;
  assert.deepEqual(received, ['unavailable']);
});
