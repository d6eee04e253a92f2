import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { newId } from '../shared/contract/ids.ts';
import { createLog } from '../shared/log.ts';
import { testServices } from '../test/support/system.ts';
import { startWatchdog } from './watchdog.ts';

const connection = new Redis(testServices().redisUrl, { maxRetriesPerRequest: null });
const prefix = `rooms-${newId()}`;
const queue = new Queue('watched', { connection, prefix });
const worker = new Worker('watched', async () => undefined, { connection, prefix });
after(async () => {
  await worker.close();
  await queue.close();
  connection.disconnect();
});

test('a worker that takes jobs is not stuck, and a paused worker with a waiting job is stuck', async () => {
  await worker.waitUntilReady();
  const { promise: stuck, resolve } = Promise.withResolvers<string>();
  let checks = 0;
  const countWaiting = () => {
    checks++;
    return queue.getWaitingCount();
  };
  const log = createLog('test', 'silent');
  const watchdog = startWatchdog({ worker, countWaiting, onStuck: () => resolve('stuck'), intervalMs: 20, log });
  after(() => watchdog.stop());
  for (let job = 0; job < 20; job++) await queue.add('job', {});
  while (checks < 10) await Promise.race([stuck, queue.add('job', {})]);
  assert.equal(await Promise.race([stuck, 'active']), 'active');
  await worker.pause();
  await queue.add('job', {});
  assert.equal(await stuck, 'stuck');
});
