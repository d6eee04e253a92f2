import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findErrors } from '../bench/check.ts';
import { createFixture } from '../bench/fixture.ts';
import { Ledger } from '../bench/ledger.ts';
import { runClosedLoop } from '../bench/load.ts';
import type { Result } from '../bench/measure.ts';
import { chat } from '../bench/scenarios/chat.ts';
import { type BenchOptions, withCluster } from '../bench/with-cluster.ts';
import { createTestDatabase, testServices } from './support/system.ts';

const output: string[] = [];

async function benchOptions(): Promise<BenchOptions> {
  const { redisUrl } = testServices();
  return { databaseUrl: await createTestDatabase(), redisUrl, print: (line) => void output.push(line) };
}

function assertCorrect({ errors, figures }: Result, ...names: string[]): void {
  assert.deepEqual(errors, [], output.join('\n'));
  for (const name of names) assert.ok((figures[name] ?? 0) > 0, `${name} is ${figures[name]}`);
}

test('the benchmark chat delivers and measures messages in a closed loop and at a constant rate', async () => {
  const size = { rooms: 3, members: 4, seconds: 1, warmUpSeconds: 0 };
  assertCorrect(await chat({ ...(await benchOptions()), ...size }), 'acked/s', 'delivery p99 ms', 'gateway CPU s/100k');
  assertCorrect(await chat({ ...(await benchOptions()), ...size, rate: 100, gateways: 2 }), 'acked/s', 'ack p99 ms');
});

test('the check of a benchmark finds messages that Postgres lost, holds twice, swapped or never acked', async () => {
  await withCluster(await benchOptions(), { gateways: 1, workers: 1 }, async (system) => {
    const { database } = system;
    const ledger = new Ledger(40);
    const fixture = await createFixture(system, { rooms: 1, members: 2 }, ledger);
    await runClosedLoop(fixture.members, ledger, 5, () => ledger.isFull);
    await ledger.waitForDeliveries(80);
    assert.deepEqual(await findErrors(fixture, ledger, database), []);
    const roomId = fixture.rooms[0]?.id as string;
    await database`update messages set ref = gen_random_uuid() where room_id = ${roomId} and seq = 10`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /message \d+ was received, not/);
    await database`delete from messages where room_id = ${roomId} and seq = 10`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /seq 11 where 10 is expected/);
    await database`delete from messages where room_id = ${roomId} and seq > 30`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /40 messages were acked, 27 are stored/);
  });
});
