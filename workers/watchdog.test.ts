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

test('a worker that takes no jobs any more is given up, one that works is not', async () => {
  await worker.waitUntilReady();
  const { promise, resolve } = Promise.withResolvers<string>();
  const log = createLog('test', 'silent');
  let looks = 0;
  const waiting = () => {
    looks++;
    return queue.getWaitingCount();
  };
  const watchdog = startWatchdog({ worker, waiting, giveUp: () => resolve('given up'), every: 20, log });
  after(() => watchdog.stop());
  for (let job = 0; job < 20; job++) await queue.add('job', {});
  while (looks < 10) await Promise.race([promise, queue.add('job', {})]);
  assert.equal(await Promise.race([promise, 'at work']), 'at work');
  await worker.pause();
  await queue.add('job', {});
  assert.equal(await promise, 'given up');
});
