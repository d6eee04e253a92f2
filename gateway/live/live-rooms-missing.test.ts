import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announceHead, gateway, readCounts, until } from '../../test/support/live-gateways.ts';

/** The reads of a feed in two rounds, each of which ends because the messages do not exist. */
const READS_OF_TWO_ROUNDS = 20;
const LATER_MS = 31_000;

test('if Postgres does not have what was announced, all sockets reload, but not in the first 30 seconds', async (t) => {
  const closed: string[] = [];
  gateway.liveRooms.closeSockets = (reason) => closed.push(reason);
  await gateway.attach();
  const reads = () => readCounts.rooms - before;
  const before = readCounts.rooms;
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const announce = async () => {
    await announceHead(9);
    t.mock.timers.tick(1_000);
  };
  const isRead = async () => {
    await announce();
    return reads() > READS_OF_TWO_ROUNDS;
  };
  await until(isRead, readCounts);
  assert.equal(closed.length, 0);

  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + LATER_MS);
  const isClosed = async () => {
    await announce();
    return closed.includes('reload');
  };
  await until(isClosed, closed);
});
