import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { openTestGateway } from '../../test/support/in-process.ts';
import { Readiness } from './readiness.ts';

test('each service is asked once per second, and a service that does not answer is missing until it answers', async () => {
  mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
  let asked = 0;
  let isDown = false;
  const redis = async () => {
    asked++;
    if (isDown) throw new Error('no answer');
  };
  const readiness = new Readiness({ postgres: async () => undefined, redis });
  assert.deepEqual(readiness.missing, ['postgres', 'redis']);
  await tick();
  assert.deepEqual(readiness.missing, []);
  isDown = true;
  for (let second = 0; second < 3; second++) {
    mock.timers.tick(1_000);
    await tick();
  }
  assert.equal(asked, 4);
  assert.deepEqual(readiness.missing, ['redis']);
  isDown = false;
  mock.timers.tick(1_000);
  await tick();
  assert.deepEqual(readiness.missing, []);
  readiness.close();
  mock.timers.reset();
});

test('a hundred requests for /readyz cost no statement', async () => {
  const { url, database } = await openTestGateway();
  const countSelects = async () => {
    const [row] = await database<{ count: number }[]>`
      select count(*)::int as count from pg_stat_activity
      where datname = current_database() and application_name = 'rooms-gateway' and query = 'select id from epoch'`;
    return row?.count as number;
  };
  const answers = await Promise.all(Array.from({ length: 100 }, () => fetch(`${url}/readyz`)));
  assert.ok(answers.every(({ status }) => status === 200));
  // Each request with a statement of its own would have used most of the 8 connections.
  assert.ok((await countSelects()) <= 3);
});
