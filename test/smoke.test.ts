import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureSmoke } from '../bench/scenarios/smoke.ts';
import { withCluster } from '../bench/with-cluster.ts';
import { createTestDatabase, testServices } from './support/system.ts';

test('no message of the smoke test is lost or doubled although a worker is killed', async () => {
  const { redisUrl } = testServices();
  const output: string[] = [];
  const databaseUrl = await createTestDatabase();
  const print = (text: string) => output.push(text);
  const size = { gateways: 2, workers: 2 };
  const errors = await withCluster({ databaseUrl, redisUrl, print }, size, async (system) => {
    const found = await measureSmoke(system, { messages: 4_000, rooms: 8, killWorker: true });
    const { cluster } = system;
    const hasStalled = cluster.gateways.some((gateway) => cluster.logOf(gateway).includes('a lane has stalled'));
    // On a busy machine, the batch of the killed worker may need more than two seconds. Then its lane refuses the commands
    // that wait, and they are sent again.
    return hasStalled ? found.errors.filter((error) => !error.endsWith('answered with busy')) : found.errors;
  });
  assert.deepEqual(errors, []);
  assert.match(
    output.join('\n'),
    /acked messages\/s\n.*deliveries\/s\n {2}send to ack +p50 .*\n {2}send to delivery +p50/,
  );
});
