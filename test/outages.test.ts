import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Ack, ErrorFrame } from '../shared/contract/frames.ts';
import { newId } from '../shared/contract/ids.ts';
import { Client, call, createAccount } from './support/client.ts';
import type { Frame } from './support/client-frames.ts';
import { startSystem, startTestRedis } from './support/system.ts';
import { until } from './support/until.ts';

const redis = await startTestRedis();
const { cluster, database } = await startSystem({ gateways: 1, workers: 1, redisUrl: redis.url, proxyLinks: true });
const [url] = cluster.urls as [string];
const { token } = await createAccount(url, 'Ann');
const client = await Client.connect(url, token);
after(() => client.close());

const signal = (pids: number[], name: 'SIGSTOP' | 'SIGCONT') => {
  for (const pid of pids) process.kill(pid, name);
};
const workerPids = () => cluster.workers.map(({ pid }) => pid);

/** What a gateway needs, and what begins and ends an outage. */
const outages = {
  workers: { begin: () => signal(workerPids(), 'SIGSTOP'), end: () => signal(workerPids(), 'SIGCONT') },
  Redis: { begin: () => signal([redis.child.pid], 'SIGSTOP'), end: () => signal([redis.child.pid], 'SIGCONT') },
  Postgres: {
    begin: () => cutPostgres('deaf') + cutPostgres('accept-deaf'),
    end: () => {
      for (const { postgres } of cluster.links) postgres.heal();
    },
  },
};

function cutPostgres(way: 'deaf' | 'accept-deaf'): number {
  return cluster.links.reduce((sum, { postgres }) => sum + postgres.cut(way), 0);
}

function isOutcome(frame: Frame): frame is Ack | ErrorFrame {
  return frame.command === 'Ack' || frame.command === 'Error';
}

for (const [name, { begin, end }] of Object.entries(outages)) {
  test(`without an answer of ${name}, new commands are refused, and a sent command gets a true outcome`, async () => {
    const { roomId } = await client.commit({ command: 'CreateRoom', text: 'a room' });
    const message = () => ({ command: 'CreateMessage', roomId, text: 'Hello World!', ref: newId() }) as const;
    const [sent, refused] = [message(), [message(), message()]];
    begin();
    client.send(sent);
    const outcome = () => client.frames.find((frame) => isOutcome(frame) && frame.ref === sent.ref);
    for (const each of refused) {
      const answer = await client.ask(each);
      assert.ok(answer.command === 'Error' && ['busy', 'unavailable'].includes(answer.code), JSON.stringify(answer));
    }
    const body = { text: 'over HTTP' };
    const answer = await call(url, `POST /api/messages/${roomId}`, { token, body });
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1'], JSON.stringify(answer.body));
    assert.equal(outcome(), undefined);
    end();
    await until(() => outcome() !== undefined, 20_000);
    await until(async () => (await client.ask(message())).command === 'Ack', 20_000);
    const rows = await database<{ ref: string; text: string }[]>`
      select ref, text from messages where room_id = ${roomId}`;
    const stored = rows.map(({ ref }) => ref);
    assert.deepEqual(
      refused.filter(({ ref }) => stored.includes(ref)),
      [],
    );
    assert.deepEqual(
      rows.filter(({ text }) => text === body.text),
      [],
    );
    const last = outcome();
    if (last?.command === 'Ack') assert.ok(stored.includes(sent.ref));
    else assert.equal(last?.command === 'Error' && last.code, 'unknown_outcome');
  });
}

test('a process that is stopped while Redis is not reachable ends by itself', async () => {
  await redis.child.stop();
  const processes = [...cluster.gateways, ...cluster.workers];
  for (const { pid } of processes) process.kill(pid, 'SIGTERM');
  const reasons = await Promise.all(processes.map(({ ended }) => ended));
  for (const reason of reasons) assert.match(reason, /^exit code [01]$/);
});
