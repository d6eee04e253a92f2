import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { PayloadReader } from './payloads.ts';

test('a payload that cannot be read is counted and dropped, and the next payload is read', async () => {
  const metrics = createMetrics();
  const log = createLog('test', 'silent');
  const logged: unknown[] = [];
  log.error = (...entry: unknown[]) => logged.push(entry);
  const payloads = new PayloadReader(metrics, log);
  assert.equal(payloads.read('notice', 'x', JSON.parse), undefined);
  assert.equal(payloads.read('notice', 'y', JSON.parse), undefined);
  assert.equal(payloads.read('reply', 'z', JSON.parse), undefined);
  assert.deepEqual(payloads.read('notice', '{"v":1}', JSON.parse), { v: 1 });
  const { values } = await metrics.unreadablePayloads.get();
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.kind, value]),
    [
      ['notice', 2],
      ['reply', 1],
    ],
  );
  assert.equal(logged.length, 2);
});
