import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTestDatabase, testServices } from '../../test/support/system.ts';
import { binaries } from '../with-services.ts';
import { allPeers } from './all-peers.ts';
import { insertRows, insertShapes } from './bare-insert.ts';
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
/** These peers store messages at the same time, so the messages of one sender change places. */
const UNORDERED = ['socket.io', 'socket.io-2', 'bullmq'];

for (const peer of allPeers)
  test(`${peer.title} delivers every message once to each receiver`, async (context) => {
    if ((await peer.isInstalled?.(environment.binaries)) === false) return context.skip('it is not installed');
    const figures = await runPeer(peer, environment, { warmUpSeconds: 0, seconds: 1, window: 5 });
    const { 'not acked': notAcked, lost, doubled, 'out of order': outOfOrder } = figures;
    assert.deepEqual({ notAcked, lost, doubled }, { notAcked: 0, lost: 0, doubled: 0 });
    if (!UNORDERED.includes(peer.name)) assert.equal(outOfOrder, 0);
    assert.ok((figures['acked/s'] ?? 0) > 0, JSON.stringify(figures));
    assert.ok((figures['delivery p50 ms'] ?? 0) > 0, JSON.stringify(figures));
    assert.ok((figures['gateway CPU s/100k'] ?? 0) > 0, JSON.stringify(figures));
  });

for (const shape of insertShapes)
  test(`${shape.title}: takes the rows that Rooms stored`, async () => {
    const figures = await insertRows(shape, environment);
    assert.ok((figures['acked/s'] ?? 0) > 0, JSON.stringify(figures));
  });
