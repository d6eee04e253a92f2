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
  const { errors } = await withCluster({ databaseUrl, redisUrl, print }, { gateways: 2, workers: 2 }, (system) =>
    measureSmoke(system, { messages: 4_000, rooms: 8, killWorker: true }),
  );
  assert.deepEqual(errors, []);
  assert.match(
    output.join('\n'),
    /acked messages\/s\n.*deliveries\/s\n {2}send to ack +p50 .*\n {2}send to delivery +p50/,
  );
});
