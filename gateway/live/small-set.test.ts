import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SmallSet } from './small-set.ts';

test('a small set has the values of a Set after the same changes, with few and with many values', () => {
  for (const variety of [1, 3, 16, 17, 40]) {
    const [small, expected] = [new SmallSet<number>(), new Set<number>()];
    // Steps of a fixed sequence that looks random, so that a failure can be repeated.
    for (let step = 1; step < 500; step++) {
      const value = (step * 7_919) % variety;
      if (step % 3 === 0) assert.equal(small.delete(value), expected.delete(value));
      else {
        small.add(value);
        expected.add(value);
      }
      assert.deepEqual([small.size, [...small]], [expected.size, [...expected]]);
      assert.deepEqual([small.has(value), small.has(value + 1)], [expected.has(value), expected.has(value + 1)]);
    }
  }
});

test('an iteration over more than 16 values sees the values that are added and not those that are deleted', () => {
  const set = new SmallSet<number>();
  for (let value = 0; value < 20; value++) set.add(value);
  const seen: number[] = [];
  for (const value of set) {
    seen.push(value);
    if (value === 0) set.delete(1);
    if (value === 19) set.add(20);
  }
  assert.deepEqual(seen, [0, ...Array.from({ length: 19 }, (_, index) => index + 2)]);
});
