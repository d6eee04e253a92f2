import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { seededRandom } from '../bench/proof/seeded-random.ts';
import { findLeaks, findStreamErrors, findUnfinished } from './support/live-checks.ts';
import { LiveSimulation, USERS } from './support/live-simulation.ts';

// The real live rooms of two gateways, with a model of Redis, Postgres and the workers (docs/simulation.md).
// `SEED=7 npm run simulate` runs only the seed 7, `SEEDS=10000 npm run simulate` runs 10,000 seeds.

const COUNT = Number(process.env.SEEDS ?? 300);
const SEEDS = process.env.SEED ? [Number(process.env.SEED)] : Array.from({ length: COUNT }, (_, index) => index);
const STEPS = 250;
const MAX_TICK_MS = 300;
const DRAIN_TICK_MS = 50;
/** Within this time after the last fault, every socket has everything, or is closed. */
const DRAIN_MS = 8_000;

// The clock of each run is a mock. The real setImmediate lets promises settle.
const realSetImmediate = setImmediate;
const nextTurn = () => new Promise<void>((resolve) => void realSetImmediate(resolve));
performance.now = () => Date.now();

type Step = (simulation: LiveSimulation) => unknown;
const times = (count: number, step: Step): Step[] => Array(count).fill(step);

function change(simulation: LiveSimulation, kind: 'AddUser' | 'RemoveUser' | 'CreateMessage' | 'DeleteRoom'): void {
  const { model } = simulation;
  const room = simulation.any(model.openRooms);
  const userId = simulation.any(USERS) as string;
  if (!room || (kind === 'AddUser' && room.members.has(userId))) return;
  if (kind === 'RemoveUser' && !room.members.has(userId)) return;
  const targetId = kind === 'AddUser' || kind === 'RemoveUser' ? userId : room.id;
  simulation.publishLater(model.store(room.id, userId, kind, targetId));
}

function tick({ random, gateways }: LiveSimulation, ms = random(MAX_TICK_MS)): void {
  mock.timers.tick(ms);
  for (const { redis } of gateways) redis.checkSilence();
}

function repeat(count: number, action: () => unknown): void {
  for (let index = 0; index < count; index++) action();
}

const steps: Step[] = [
  ...times(8, (simulation) => change(simulation, 'CreateMessage')),
  ...times(4, (simulation) => change(simulation, 'AddUser')),
  ...times(3, (simulation) => change(simulation, 'RemoveUser')),
  (simulation) => simulation.random(3) === 0 && change(simulation, 'DeleteRoom'),
  (simulation) => simulation.publishLater(simulation.model.createRoom(simulation.any(USERS) as string)),
  ...times(3, (simulation) => simulation.openSocket()),
  ...times(4, (simulation) => simulation.openResumingSocket()),
  ...times(2, (simulation) => simulation.resumeAgain()),
  ...times(2, (simulation) =>
    simulation.any(simulation.gateways.flatMap(({ sockets }) => [...sockets]))?.close('by the client'),
  ),
  (simulation) => simulation.random(2) === 0 && simulation.revokeToken(),
  ...times(12, (simulation) => simulation.publish(1)),
  (simulation) => simulation.publish(0),
  (simulation) => simulation.publish(2),
  ...times(6, ({ gateways, random }) => repeat(random(4), () => gateways[random(2)]?.redis.handle())),
  ...times(12, ({ gateways, random }) => repeat(random(4), () => gateways[random(2)]?.redis.receive())),
  ...times(16, ({ model, random }) => repeat(random(4), () => model.stepRead())),
  ({ model }) => model.failRead(),
  ...times(4, (simulation) => tick(simulation)),
  ({ gateways, random }) => random(3) === 0 && gateways[random(2)]?.redis.cut(),
  ({ gateways, random }) => random(6) === 0 && gateways[random(2)]?.redis.makeDeaf(),
  (simulation) => simulation.random(10) === 0 && simulation.restartGateway(),
];

async function run(seed: number): Promise<{ simulation: LiveSimulation; errors: string[] }> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  const simulation = new LiveSimulation(seededRandom(seed));
  for (let step = 0; step < STEPS; step++) {
    steps[simulation.random(steps.length)]?.(simulation);
    await nextTurn();
  }
  await drain(simulation);
  const { model, gateways, sockets } = simulation;
  const errors = gateways.flatMap((gateway) => [...gateway.sockets].flatMap((socket) => findUnfinished(socket, model)));
  errors.push(...sockets.flatMap((socket) => findStreamErrors(socket, model)));
  for (const gateway of gateways) gateway.closeAll('the end');
  await drain(simulation);
  errors.push(...gateways.flatMap(findLeaks));
  await simulation.close();
  mock.timers.reset();
  return { simulation, errors };
}

/** Lets everything finish without another fault. */
async function drain(simulation: LiveSimulation): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < DRAIN_MS; elapsedMs += DRAIN_TICK_MS) {
    await work(simulation);
    tick(simulation, DRAIN_TICK_MS);
    await nextTurn();
  }
  await work(simulation);
}

async function work({ model, gateways }: LiveSimulation): Promise<void> {
  for (let isBusy = true; isBusy; await nextTurn()) {
    isBusy = model.stepRead();
    for (const { redis } of gateways) while (redis.handle() || redis.receive()) isBusy = true;
  }
}

test('with any fault of Redis, Postgres, workers and gateways, each socket gets every message once, or is closed', async () => {
  const seen = { messages: 0, closed: new Map<string, number>() };
  for (const seed of SEEDS) {
    const { simulation, errors } = await run(seed);
    assert.deepEqual(errors, [], `SEED=${seed}`);
    for (const { messages, closedWith = '' } of simulation.sockets) {
      seen.messages += messages.length;
      seen.closed.set(closedWith, (seen.closed.get(closedWith) ?? 0) + 1);
    }
  }
  assert.ok(!seen.closed.has('reload'), 'Postgres never went back in time');
  if (SEEDS.length === 1) return;
  assert.ok(seen.messages > SEEDS.length * 5, `only ${seen.messages} messages`);
  for (const reason of ['the end', 'token_revoked', 'unavailable'])
    assert.ok(seen.closed.has(reason), `${reason}: ${[...seen.closed]}`);
});
