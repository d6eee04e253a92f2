import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestDatabase, testServices } from '../../test/support/system.ts';
import type { Figures } from '../measure.ts';
import { binaries } from '../with-services.ts';
import { allPeers } from './all-peers.ts';
import { insertRows, insertShapes } from './bare-insert.ts';
import { uwsPublish } from './plain-peers.ts';
import { runPeer } from './run-peer.ts';

const { home, redisUrl } = testServices();
const logs = join(home, 'peers');
mkdirSync(logs);
const environment = {
  databaseUrl: await createTestDatabase(),
  redisUrl,
  logs,
  binaries,
  rooms: 3,
  members: 12,
};
const WINDOW = 5;
/** These peers store messages at the same time, so the messages of one sender change places. */
const UNORDERED = ['socket.io', 'socket.io-2', 'bullmq'];

function assertCorrect(figures: Figures, isUnordered = false): void {
  const { 'not acked': notAcked, lost, doubled, 'out of order': outOfOrder } = figures;
  assert.deepEqual({ notAcked, lost, doubled }, { notAcked: 0, lost: 0, doubled: 0 });
  if (!isUnordered) assert.equal(outOfOrder, 0);
}

for (const peer of allPeers)
  test(`${peer.title} delivers every message once to each receiver`, async (context) => {
    if ((await peer.isInstalled?.(environment.binaries)) === false) return context.skip('it is not installed');
    const figures = await runPeer(peer, environment, { warmUpSeconds: 0, seconds: 1, window: WINDOW });
    assertCorrect(figures, UNORDERED.includes(peer.name));
    assert.ok((figures.messages as number) >= WINDOW * environment.members, JSON.stringify(figures));
  });

test('in an open loop, a peer gets messages at the rate, and none is lost', async () => {
  const figures = await runPeer(uwsPublish, environment, { warmUpSeconds: 0, seconds: 1, window: WINDOW, rate: 200 });
  assertCorrect(figures);
  assert.equal(figures.messages, 200);
});

for (const shape of insertShapes)
  test(`${shape.title}: takes the rows that Rooms stored`, async () => {
    const figures = await insertRows(shape, environment);
    assert.ok((figures['acked/s'] ?? 0) > 0, JSON.stringify(figures));
  });
