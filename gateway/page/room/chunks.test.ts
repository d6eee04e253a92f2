import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chunksOf, isSameChunk, type ShownMessage } from './chunks.ts';

const committed = (seq: number) => ({ id: `${seq}`, seq, ref: `${seq}`, state: 'committed' }) as ShownMessage;
const messages = Array.from({ length: 200 }, (_, index) => committed(index + 1));

test('older messages change no chunk except the first one', () => {
  const newer = chunksOf(messages.slice(120));
  const all = chunksOf(messages);
  assert.deepEqual(
    all.flatMap((chunk) => chunk.messages),
    messages,
  );
  const changed = newer.filter((chunk) => !all.some((other) => other.key === chunk.key && isSameChunk(chunk, other)));
  assert.deepEqual(
    changed.map(({ key }) => key),
    ['2'],
  );
});

test('a new message changes only the last chunk, and messages that wait are in one of their own', () => {
  const own = { ref: 'x', state: 'sending', text: 'x', roomId: 'r' } as ShownMessage;
  const [before, after] = [chunksOf(messages.slice(0, 180)), chunksOf([...messages.slice(0, 181), own])];
  const changed = after.filter(
    ({ key }, index) => before[index]?.key !== key || !isSameChunk(before[index], after[index] as never),
  );
  assert.deepEqual(
    changed.map(({ key }) => key),
    ['3', 'own'],
  );
});
