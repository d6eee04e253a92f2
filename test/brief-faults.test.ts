import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { ScheduledFault } from '../bench/faults/fault.ts';
import { FaultSystem } from '../bench/faults/fault-system.ts';
import { cutAtRandom, cutLinks, disturbPublications, stopReaders } from '../bench/faults/link-faults.ts';
import { killGateway, killWorker, killWorkerAndGateway, pauseWorkerWithBatch } from '../bench/faults/process-faults.ts';
import { runIn } from '../bench/faults/run-scenario.ts';
import {
  killBackends,
  killSubscribers,
  restartPostgres,
  restartRedis,
  swallowReplies,
} from '../bench/faults/service-faults.ts';

// The short form of `npm run faults`: a few mixes in one system. Only the promises are checked, no times.

const SEED = Number(process.env.SEED ?? 1);
const TRAFFIC = { rooms: 8, roomSize: 5, participants: 20, rate: 120 };

/**
 * The name of each says what happens during the traffic. At most one fault of a mix reads the link between a worker and
 * Postgres: a second one would replace the first, which would wait without end.
 */
const MIXES: Record<string, ScheduledFault[]> = {
  'publications are disturbed, a worker is killed after a commit, and one client in twenty reads nothing': [
    { fault: disturbPublications, forMs: 3_000 },
    { fault: killWorker('after the commit') },
    { fault: stopReaders, forMs: 2_000 },
  ],
  'a gateway is killed, and a worker is killed before a commit': [
    { fault: killGateway, forMs: 1_000 },
    { fault: killWorker('before the commit') },
  ],
  'a worker is stopped with a batch, and the subscribers of all gateways are deaf': [
    { fault: pauseWorkerWithBatch, forMs: 3_000 },
    { fault: cutLinks('gateway subscriber', 'deaf') },
  ],
  'links are cut at random, subscribers and backends are killed, and the answers to commits are lost': [
    { fault: cutAtRandom, forMs: 2_000 },
    { fault: swallowReplies, forMs: 2_000 },
    { fault: killSubscribers, forMs: 2_000 },
    { fault: killBackends, forMs: 2_000 },
  ],
  'Postgres ends at once and starts again, and Redis loses its data': [
    { fault: restartPostgres },
    { fault: restartRedis(true), afterMs: 1_000 },
  ],
  'a worker dies after a commit, and the gateway that sent the batch too': [{ fault: killWorkerAndGateway }],
};

const system = await FaultSystem.start({ gateways: 2, workers: 2, checkout: undefined, hasFakeClock: false });
after(() => system.stop());
let logouts = 0;

for (const [name, faults] of Object.entries(MIXES))
  test(`no promise is broken although ${name}`, async () => {
    const scenario = { name, what: name, faults, traffic: TRAFFIC, calmMs: 500, recoveryMs: 1_000 };
    const { violations, figures } = await runIn(system, scenario, SEED);
    assert.deepEqual(violations, []);
    assert.ok(figures.acks > 100, `only ${figures.acks} commands were acked`);
    logouts += figures.revocations;
  });

test('users logged out during these faults', () => assert.ok(logouts > 0));
