import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findErrors } from '../bench/check.ts';
import { createFixture } from '../bench/fixture.ts';
import { Ledger } from '../bench/ledger.ts';
import { runClosedLoop } from '../bench/load.ts';
import type { Result } from '../bench/measure.ts';
import { measureChat } from '../bench/scenarios/chat.ts';
import { measureConnects } from '../bench/scenarios/connects.ts';
import { measureFanOut } from '../bench/scenarios/fan-out.ts';
import { measureHttp } from '../bench/scenarios/http.ts';
import { measureIdle } from '../bench/scenarios/idle.ts';
import { measureRooms } from '../bench/scenarios/rooms.ts';
import { type System, withCluster } from '../bench/with-cluster.ts';
import { createTestDatabase, testServices } from './support/system.ts';

const output: string[] = [];
const ONE_SECOND = { seconds: 1, warmUpSeconds: 0 };

async function startAnd<T>(benchmark: (system: System) => Promise<T>, size = { gateways: 1, workers: 1 }): Promise<T> {
  const { redisUrl } = testServices();
  const print = (line: string) => void output.push(line);
  return withCluster({ databaseUrl: await createTestDatabase(), redisUrl, print }, size, benchmark);
}

function assertCorrect({ errors, figures }: Result, ...names: string[]): void {
  assert.deepEqual(errors, [], output.join('\n'));
  for (const name of names) assert.ok((figures[name] ?? 0) > 0, `${name} is ${figures[name]}`);
}

test('each benchmark of messages and sockets measures for a second and finds no error', async () => {
  await startAnd(async (system) => {
    const small = { rooms: 3, members: 4, ...ONE_SECOND };
    assertCorrect(await measureChat(system, small), 'acked/s', 'delivery p99 ms', 'gateway CPU s/100k');
    assertCorrect(await measureChat(system, { ...small, rate: 100 }), 'acked/s', 'ack p99 ms', 'client cores');
    assertCorrect(await measureFanOut(system, { members: 50, senders: 5, ...ONE_SECOND }), 'deliveries/s');
    assertCorrect(
      await measureRooms(system, { rooms: 20, inFlight: 100, ...ONE_SECOND }),
      'acked/s in 20 rooms',
      'last / first',
    );
    assertCorrect(await measureConnects(system, { sockets: 50 }), 'connects/s', 'Welcome p99 ms');
    assertCorrect(await measureHttp(system, { sockets: 4, seconds: 1 }), 'GET a page of 20 requests/s');
  });
});

test('the benchmark idle holds sockets on two gateways, and each of them receives a message', async () => {
  const size = { gateways: 2, workers: 1, ownPorts: true };
  await startAnd(async (system) => assertCorrect(await measureIdle(system, { sockets: 300, seconds: 1 })), size);
});

test('the check of a benchmark finds messages that Postgres lost, holds twice, swapped or never acked', async () => {
  await startAnd(async (system) => {
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
