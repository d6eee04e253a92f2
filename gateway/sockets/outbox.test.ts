import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTick } from 'node:timers/promises';
import { Outbox } from './outbox.ts';

function createSocket() {
  const writes: string[][] = [];
  return { writes, sendTogether: (frames: string[]) => void writes.push(frames) };
}

test('the frames of one tick to one socket leave together and in order', async () => {
  const [ann, bob, outbox] = [createSocket(), createSocket(), new Outbox()];
  outbox.add(ann, '1');
  outbox.add(bob, '2');
  outbox.add(ann, '3');
  assert.deepEqual(ann.writes, []);
  await nextTick();
  outbox.add(ann, '4');
  await nextTick();
  assert.deepEqual([ann.writes, bob.writes], [[['1', '3'], ['4']], [['2']]]);
});
