import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerLedger } from './peer-ledger.ts';

// Two rooms with two members each: the members 0 and 2 are in one room, 1 and 3 are in the other.
const RECEIVERS = 2;
const newLedger = () => new PeerLedger({ rooms: 2, members: 4 });

test('a message that reaches every member of its room once has no fault', () => {
  const ledger = newLedger();
  const indexes = [ledger.recordSending(2, 0), ledger.recordSending(2, 0)];
  for (const receiver of [0, 2]) for (const index of indexes) ledger.recordDelivery(receiver, index);
  assert.deepEqual(ledger.findFaults(RECEIVERS), { lost: 0, doubled: 0, outOfOrder: 0 });
});

test('lost, doubled, swapped and misdirected deliveries are counted', () => {
  const ledger = newLedger();
  const [first, second] = [ledger.recordSending(2, 0), ledger.recordSending(2, 0)];
  for (const index of [second, first]) ledger.recordDelivery(0, index);
  for (const index of [first, first]) ledger.recordDelivery(2, index);
  ledger.recordDelivery(1, first);
  assert.deepEqual(ledger.findFaults(RECEIVERS), { lost: 1, doubled: 2, outOfOrder: 1 });
});

test('if only the sender gets a message, the other members of its room lose nothing', () => {
  const ledger = newLedger();
  ledger.recordDelivery(2, ledger.recordSending(2, 0));
  assert.deepEqual(ledger.findFaults(1), { lost: 0, doubled: 0, outOfOrder: 0 });
});

test('a second ack of a message changes nothing', () => {
  const ledger = newLedger();
  const index = ledger.recordSending(0, 0);
  assert.deepEqual([ledger.recordAck(index), ledger.recordAck(index)], [true, false]);
  assert.deepEqual([ledger.acked, ledger.inFlight], [1, 0]);
});
