import assert from 'node:assert/strict';
import { test } from 'node:test';
import { smoke } from '../bench/smoke.ts';
import { createTestDatabase, testServices } from './support/system.ts';

test('the smoke run is exact, though a worker is killed in its middle', async () => {
  const { redisUrl } = testServices();
  const printed: string[] = [];
  const databaseUrl = await createTestDatabase();
  const print = (line: string) => printed.push(line);
  const wrong = await smoke({ databaseUrl, redisUrl, messages: 4_000, killWorker: true, print });
  assert.deepEqual(wrong, []);
  assert.match(
    printed.join('\n'),
    /acked messages\/s\n.*deliveries\/s\n {2}send to ack +p50 .*\n {2}send to delivery +p50/,
  );
});
