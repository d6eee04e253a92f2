import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PageKey, sharePages } from './share-pages.ts';

const page = (after: number, more: Partial<PageKey> = {}): PageKey => {
  return { roomId: 'a', after, last: 100, end: undefined, ...more };
};

/** Shares reads of a room whose records are their seqs. @returns the read, and the keys of each statement */
function share() {
  const statements: PageKey[][] = [];
  const finish: (() => void)[] = [];
  const readAll = async (keys: PageKey[]) => {
    statements.push(keys.map((key) => ({ ...key })));
    await new Promise<void>((resolve) => finish.push(resolve));
    if (keys.some(({ roomId }) => roomId === 'broken')) throw new Error('refused');
    return keys.map(({ after, last }) => Array.from({ length: last - after }, (_, index) => `${after + index + 1}`));
  };
  const finishNext = () => (finish.shift() as () => void)();
  return { statements, finishNext, read: sharePages({ readAll, maxKeys: 10, maxAtOnce: 2 }) };
}

const tick = () => new Promise((resolve) => setImmediate(resolve));

test('clients of one page share a read that begins at the smallest position, and each gets its own part', async () => {
  const { statements, finishNext, read } = share();
  const reads = [98, 97, 99, 97].map((after) => read(page(after)));
  await tick();
  finishNext();
  assert.deepEqual(await Promise.all(reads), [['99', '100'], ['98', '99', '100'], ['100'], ['98', '99', '100']]);
  assert.deepEqual(statements, [[page(97)]]);
});

test('a read in flight serves later positions, and an earlier one needs another read', async () => {
  const { statements, finishNext, read } = share();
  const first = read(page(97));
  await tick();
  const [later, earlier] = [read(page(99)), read(page(96))];
  await tick();
  assert.deepEqual(statements, [[page(97)], [page(96)]]);
  // The first read ends first, and does not make the second one forgotten.
  finishNext();
  assert.deepEqual([await first, await later], [['98', '99', '100'], ['100']]);
  const again = read(page(98));
  finishNext();
  assert.deepEqual(
    [await earlier, await again],
    [
      ['97', '98', '99', '100'],
      ['99', '100'],
    ],
  );
  assert.equal(statements.length, 2);
});

test('other pages, other rooms and ended memberships have their own reads, also after a read has ended', async () => {
  const { statements, finishNext, read } = share();
  const keys = [page(98), page(98, { roomId: 'b' }), page(98, { last: 99, end: 99 }), page(100, { last: 200 })];
  const reads = keys.map(read);
  await tick();
  finishNext();
  await Promise.all(reads);
  assert.deepEqual(statements, [keys]);
  const again = read(page(98));
  await tick();
  finishNext();
  await again;
  assert.deepEqual(statements.slice(1), [[page(98)]]);
});

test('a failed read fails for its clients only, and the next client reads again', async () => {
  const { finishNext, read } = share();
  const broken = () => read(page(98, { roomId: 'broken' }));
  for (let time = 0; time < 2; time++) {
    const results = Promise.allSettled([broken(), broken()]);
    await tick();
    finishNext();
    assert.deepEqual(
      (await results).map(({ status }) => status),
      ['rejected', 'rejected'],
    );
  }
});
