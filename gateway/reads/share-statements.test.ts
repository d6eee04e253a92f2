import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareStatements } from './share-statements.ts';

/** Shares statements that double each key. @returns the read, and the keys of each statement */
function share(maxKeys: number, maxAtOnce: number, gapMs = 0) {
  const statements: number[][] = [];
  const readAll = async (keys: number[]) => {
    statements.push(keys);
    if (keys.includes(13)) throw new Error('refused');
    if (keys.includes(14)) return [];
    return keys.map((key) => key * 2);
  };
  return { statements, read: shareStatements({ readAll, maxKeys, maxAtOnce, gapMs }) };
}

test('reads of one tick share a statement, and each gets its own value', async () => {
  const { statements, read } = share(100, 2);
  assert.deepEqual(await Promise.all([1, 2, 3].map(read)), [2, 4, 6]);
  assert.deepEqual(statements, [[1, 2, 3]]);
});

test('a statement has a maximum of keys, and later keys wait while too many statements run', async () => {
  const { statements, read } = share(2, 1);
  assert.deepEqual(await Promise.all([1, 2, 3, 4, 5].map(read)), [2, 4, 6, 8, 10]);
  assert.deepEqual(statements, [[1, 2], [3, 4], [5]]);
});

test('a failed or incomplete statement fails its own reads only', async () => {
  const { read } = share(2, 1);
  const results = await Promise.allSettled([1, 13, 3, 14, 5].map(read));
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected', 'rejected', 'fulfilled'],
  );
  assert.equal(await read(6), 12);
});

test('with a gap, keys that come after a statement of several keys share the next one', async () => {
  const { statements, read } = share(3, 2, 100);
  await Promise.all([1, 2].map(read));
  const later = [read(3)];
  await new Promise(setImmediate);
  later.push(read(4));
  assert.deepEqual(await Promise.all(later), [6, 8]);
  assert.deepEqual(statements, [
    [1, 2],
    [3, 4],
  ]);
});

test('a full statement, and one after a single key, do not wait for the end of a gap', async () => {
  const { statements, read } = share(3, 2, 3_600_000);
  assert.deepEqual([await read(1), await read(2)], [2, 4]);
  await Promise.all([3, 4].map(read));
  await Promise.all([5, 6, 7].map(read));
  assert.deepEqual(statements, [[1], [2], [3, 4], [5, 6, 7]]);
});
