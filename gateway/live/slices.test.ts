import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slices } from './slices.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
/** Work that keeps the processor busy for about a tenth of a millisecond. */
function work(): void {
  const end = performance.now() + 0.1;
  while (performance.now() < end);
}

test('short work is done at once', () => {
  const done: number[] = [];
  void new Slices().run(numbers(50), (item) => done.push(item));
  assert.deepEqual(done, numbers(50));
});

test('long work is done in the order of its items, and other events come between', async () => {
  const done: number[] = [];
  let events = 0;
  const timer = setInterval(() => events++, 1);
  await new Slices().run(numbers(1_000), (item) => {
    work();
    done.push(item);
  });
  clearInterval(timer);
  assert.deepEqual(done, numbers(1_000));
  assert.ok(events >= 5, `${events} events`);
});

test('two long works get their slices in turn', async () => {
  const slices = new Slices();
  const order: string[] = [];
  const run = (name: string) =>
    slices.run(numbers(1_000), () => {
      work();
      order.push(name);
    });
  await Promise.all([run('a'), run('b')]);
  const changes = order.filter((name, index) => name !== order[index + 1]).length;
  assert.ok(changes >= 10, `the works took turns ${changes} times`);
});

test('work on a set includes the items that are added meanwhile', async () => {
  const items = new Set(numbers(1_000));
  const done: number[] = [];
  await new Slices().run(items, (item) => {
    done.push(item);
    if (item === 999) items.add(1_000);
  });
  assert.deepEqual(done, numbers(1_001));
});
