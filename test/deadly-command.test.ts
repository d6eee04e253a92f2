import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { newId } from '../shared/contract/ids.ts';
import type { Child } from '../shared/local/child.ts';
import { Client, call, createAccount } from './support/client.ts';
import { startSystem } from './support/system.ts';
import { until } from './support/until.ts';

let isOver = false;
// This runs before the end of the system, so that no new worker starts then.
after(() => {
  isOver = true;
});
const { cluster, database } = await startSystem({ gateways: 1, workers: 0 });
const NODE_OPTIONS = `--import=${fileURLToPath(new URL('./support/deadly-text.ts', import.meta.url))}`;

let deaths = 0;
/** Starts a worker, and another one whenever it is killed. */
async function keepWorker(): Promise<void> {
  while (!isOver) {
    const { ended } = await cluster.startWorker([], { NODE_OPTIONS });
    if ((await ended) === 'SIGKILL') deaths++;
  }
}
// Three of them may die. The last one replies in time, also on a machine that starts new workers slowly.
const WORKERS = 4;
for (let count = 0; count < WORKERS; count++) void keepWorker();
const isRunning = ({ pid }: Child) => existsSync(`/proc/${pid}`);
const areAllReady = () => {
  const ready = cluster.workers.filter(
    (worker) => isRunning(worker) && cluster.logOf(worker).includes('workers ready'),
  );
  return ready.length === WORKERS;
};

const signalWorkers = (signal: NodeJS.Signals) => {
  for (const worker of cluster.workers.filter(isRunning)) process.kill(worker.pid, signal);
};

const ann = await createAccount(cluster.urls[0] as string, 'Ann');

for (const neighbours of [10, 60]) {
  test(`a command that kills its worker is refused after at most 3 deaths, and its ${neighbours} neighbours are applied`, async () => {
    const client = await Client.connect(cluster.urls[0] as string, ann.token);
    after(() => client.close());
    await until(areAllReady, 30_000);
    const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
    const write = (text: string) => ({ command: 'CreateMessage', roomId, text, ref: newId() }) as const;
    const deadly = write('deadly');
    const before = deaths;
    // The first command travels alone. All others wait for its reply and share a batch.
    signalWorkers('SIGSTOP');
    const first = client.commit(write('first'));
    const halves = Array.from({ length: neighbours / 2 }, () => write('a neighbour'));
    const acks = halves.map((command) => client.commit(command));
    const answer = client.ask(deadly);
    acks.push(...halves.map(({ text }) => client.commit(write(text))));
    await client.roundTripOfPings();
    signalWorkers('SIGCONT');
    const [{ seq }, ...others] = await Promise.all([first, ...acks]);
    assert.deepEqual(
      others.map((ack) => ack.seq - seq),
      Array.from({ length: neighbours }, (_, index) => index + 1),
    );
    const refusal = await answer;
    assert.equal('code' in refusal && refusal.code, 'internal');
    const rows = await database`select from messages where ref = ${deadly.ref}`;
    assert.equal(rows.length, 0);
    assert.ok(deaths - before <= 3, `${deaths - before} workers died`);
  });
}

test('an account command that kills its worker is refused after at most 3 deaths, and never applied', async () => {
  const url = cluster.urls[0] as string;
  await until(areAllReady, 30_000);
  const before = deaths;
  const person = { firstName: 'Deadly', lastName: 'Testing', email: 'deadly@example.com', password: 'correct horse' };
  const { status, body } = await call(url, 'POST /api/users/register', { body: person });
  assert.deepEqual([status, (body as { code?: string }).code], [500, 'internal']);
  assert.ok(deaths - before <= 3, `${deaths - before} workers died`);
  await createAccount(url, 'Bob');
  assert.equal((await database`select from users where email = ${person.email}`).length, 0);
});
