import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findErrors } from '../bench/check.ts';
import { createFixture } from '../bench/fixture.ts';
import { Ledger } from '../bench/ledger.ts';
import { runClosedLoop } from '../bench/load.ts';
import { type ReportOptions, writeReport } from '../bench/report.ts';
import { SCENARIOS, type Scenario } from '../bench/scenarios.ts';
import { type Size, type System, withCluster } from '../bench/with-cluster.ts';
import { createTestDatabase, testServices } from './support/system.ts';

const output: string[] = [];

async function startAnd(size: Size, benchmark: (system: System) => Promise<void>): Promise<void> {
  const { redisUrl } = testServices();
  const print = (line: string) => void output.push(line);
  await withCluster({ databaseUrl: await createTestDatabase(), redisUrl, print, stages: true }, size, benchmark);
}

test('each benchmark runs for a moment and finds no error, and the report has its table and plots', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rooms-report-'));
  const sizes = { rates: [50, 100], members: [3, 6], sockets: [20, 40], rooms: 20, connects: 20, seconds: 0.3 };
  await startAnd({ gateways: 2, workers: 1, ownPorts: true }, async (system) => {
    const run: ReportOptions['run'] = (name, options) => {
      const { measure }: Scenario = SCENARIOS[name];
      const shorter = { warmUpSeconds: 0, settleSeconds: 0, ...(name === 'rooms' && { inFlight: 50 }) };
      return measure(system, { ...options, ...shorter });
    };
    const { errors } = await writeReport({ folder, sizes, run, print: system.print });
    assert.deepEqual(errors, [], output.join('\n'));
  });
  const report = readFileSync(join(folder, 'report.md'), 'utf8');
  for (const title of ['Latency', 'As many', 'Deliveries', 'Memory', 'Busy rooms', 'Connects', 'HTTP'])
    assert.match(report, new RegExp(`^## ${title}`, 'm'));
  assert.match(report, /^\| 100 \| \d+(\.\d+)? \|/m);
  for (const file of ['latency.svg', 'deliveries.svg', 'memory.svg'])
    assert.match(readFileSync(join(folder, 'report', file), 'utf8'), /<polyline points="\d[\d., ]+"/);
  rmSync(folder, { recursive: true });
  for (const stage of ['lane wait', 'queue', 'statement', 'encode', 'publish', 'write', 'all'])
    assert.match(output.join('\n'), new RegExp(`^ +${stage} +\\d+\\.\\d+ +\\d+\\.\\d+ +\\d+\\.\\d+ +[1-9]\\d*$`, 'm'));
});

test('each kind of task has a processor time, with and without pauses', async () => {
  await startAnd({ gateways: 1, workers: 1 }, async (system) => {
    const { figures } = await SCENARIOS['wake-ups'].measure(system, { seconds: 0.1, warmUpSeconds: 0 });
    assert.equal(Object.keys(figures).length, 9);
    for (const [name, microseconds] of Object.entries(figures)) assert.ok(microseconds > 0, name);
  });
});

test('the benchmark of fairness measures a bystander at rest and beside a user who creates 1,500 rooms', async () => {
  const { size, measure }: Scenario = SCENARIOS.fairness;
  await startAnd(size, async (system) => {
    const { errors, figures } = await measure(system, { row: 1, seconds: 0.5 });
    assert.deepEqual(errors, []);
    for (const action of ['GET', 'post', 'login']) assert.ok((figures[`row 1 ${action} here`] ?? 0) > 0);
  });
});

test('the check of a benchmark finds messages that Postgres lost, holds twice, swapped or never acked', async () => {
  await startAnd({ gateways: 1, workers: 1 }, async (system) => {
    const { database } = system;
    const ledger = new Ledger(40);
    const fixture = await createFixture(system, { rooms: 1, members: 2 }, ledger);
    await runClosedLoop(fixture.members, ledger, 5, () => ledger.isFull);
    await ledger.waitForDeliveries(80);
    assert.deepEqual(await findErrors(fixture, ledger, database), []);
    const roomId = fixture.rooms[0]?.id as string;
    await database`update messages set ref = gen_random_uuid() where room_id = ${roomId} and seq = 10`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /message \d+ was received, .* is stored/);
    await database`delete from messages where room_id = ${roomId} and seq = 10`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /seq 11 where 10 is expected/);
    await database`delete from messages where room_id = ${roomId} and seq > 30`;
    assert.match((await findErrors(fixture, ledger, database)).join(), /40 messages were acked, 27 are stored/);
  });
});
