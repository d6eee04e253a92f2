import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeliveryOrder } from './delivery-order.ts';

function receive(numbers: number[], sent: number): { lost: number; doubled: number; outOfOrder: number } {
  const order = new DeliveryOrder();
  for (const number of numbers) order.add(number);
  return { lost: order.lost(sent), doubled: order.doubled, outOfOrder: order.outOfOrder };
}

test('messages that come once and in order are correct', () => {
  assert.deepEqual(receive([0, 1, 2, 3], 4), { lost: 0, doubled: 0, outOfOrder: 0 });
});

test('a message that never comes is lost, and the messages after it are out of order', () => {
  assert.deepEqual(receive([0, 2, 3], 4), { lost: 1, doubled: 0, outOfOrder: 2 });
  assert.deepEqual(receive([0, 1], 4), { lost: 2, doubled: 0, outOfOrder: 0 });
});

test('a message that comes before an earlier one is out of order, but not lost', () => {
  assert.deepEqual(receive([1, 0, 3, 2, 4], 5), { lost: 0, doubled: 0, outOfOrder: 2 });
});

test('a message that comes twice is doubled, also if it was out of order', () => {
  assert.deepEqual(receive([0, 0, 2, 2, 1, 1], 3), { lost: 0, doubled: 3, outOfOrder: 1 });
});
